"""One OpenAI-compatible server: the official client, and its errors as sentences.

The client itself retries what fails for the moment (429, 5xx, timeouts, lost connections), with growing pauses, or
those that the server names in Retry-After up to two minutes.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from typing import Any
from urllib.parse import urlsplit

from sentiment_transfer.config.llm_options import LlmConfig
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.llm.reply import Reply, parsed

MALFORMED_TRIES = 4  # of a request whose answer is no JSON, or has no message
NO_KEY = "none"  # what a server on this machine is sent where no key is set


class RejectedField(Exception):
    """The server does not take a field of the request, such as logprobs. The text is its reason."""


class Server:
    """The server of ``llm``. Raises UserError where the client is not installed, or a key is missing."""

    def __init__(self, llm: LlmConfig) -> None:
        try:
            import openai
        except ModuleNotFoundError:
            raise UserError(
                "checkpoint=llm needs the package openai: pip install 'sentiment-transfer[llm]', or pip install openai."
            ) from None
        assert llm.base_url is not None and llm.model is not None
        self.llm, self.name, self.retried = llm, host_of(llm.base_url), 0
        key = os.environ.get(llm.key_variable)
        if not key and not is_loopback(llm.base_url):
            raise UserError(
                f"There is no key for {self.name}: the environment variable {llm.key_variable} is not set. Set it "
                f"(export {llm.key_variable}=...), or name another with llm.key_variable=."
            )
        for library in ("httpx2", "openai"):  # a line for every request would hide everything else
            logging.getLogger(library).setLevel(logging.WARNING)
        self._openai = openai
        self._client = openai.AsyncOpenAI(
            base_url=llm.base_url,
            api_key=key or NO_KEY,
            timeout=llm.timeout,
            max_retries=llm.retries,
        )

    async def check(self) -> None:
        """Ask for the list of models. Raises UserError where the server cannot be reached, refuses the key, or does not
        have the model; a server without such a list is believed."""
        try:
            listed = await self._client.with_options(max_retries=min(1, self.llm.retries)).models.list()
        except (ValueError, AttributeError):
            return
        except self._openai.OpenAIError as error:
            known = self._openai
            here = known.AuthenticationError, known.PermissionDeniedError, known.APIConnectionError
            if not isinstance(error, here):
                return
            raise self._sentence(error) from None
        names = [model.id for model in listed.data or []]
        if names and self.llm.model not in names:
            some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise UserError(
                f"{self.name} has no model {self.llm.model}. It lists {some}: use llm.model= with one of them."
            )

    async def ask(self, body: dict[str, Any]) -> Reply:
        """The reply to one request. Raises UserError where there is none, RejectedField where the server does not
        know the fields that ask for log-probabilities."""
        reason = ""
        for _ in range(MALFORMED_TRIES):
            begun = time.monotonic()
            try:
                answer = await self._client.post("/chat/completions", body=body, cast_to=object)
                return parsed(answer, time.monotonic() - begun)
            except self._openai.BadRequestError as error:
                if "logprobs" in body and "logprob" in str(error):
                    raise RejectedField(str(error)) from None
                raise self._sentence(error) from None
            except self._openai.APIResponseValidationError as error:
                reason = str(error)
            except self._openai.OpenAIError as error:
                raise self._sentence(error) from None
            except (ValueError, TypeError, AttributeError) as error:
                reason = str(error)
            self.retried += 1
        raise UserError(
            f"{self.name} answered {MALFORMED_TRIES} times with what is no chat completion ({reason[:200]}): check "
            "that llm.base_url ends as its documentation says, mostly in /v1."
        )

    async def close(self) -> None:
        await self._client.close()

    def _sentence(self, error: Exception) -> UserError:
        """An error of the client as a sentence that says what to do."""
        known, said = self._openai, without_credentials(_reason(error))
        if isinstance(error, known.AuthenticationError | known.PermissionDeniedError):
            return UserError(f"{self.name} refuses the key in {self.llm.key_variable} ({said}): set another.")
        if isinstance(error, known.NotFoundError):
            return UserError(
                f"{self.name} has no model {self.llm.model}, or no chat completions at this address ({said}): check "
                "llm.model= and llm.base_url=."
            )
        if isinstance(error, known.APITimeoutError):
            return UserError(
                f"{self.name} did not answer within {self.llm.timeout:g} s, {self.llm.retries + 1} times: raise "
                "llm.timeout=, or lower llm.concurrency=."
            )
        if isinstance(error, known.RateLimitError):
            return UserError(
                f"{self.name} still asks to slow down after {self.llm.retries} retries ({said}): lower "
                "llm.concurrency=, or run the same command later."
            )
        if isinstance(error, known.APIConnectionError):
            cause = error.__cause__ or error
            return UserError(
                f"{self.name} cannot be reached ({cause}): is the server running, and llm.base_url= right?"
            )
        return UserError(f"{self.name} answered with an error ({said}): the answers so far are kept.")


def _reason(error: Exception) -> str:
    """The server's own words, without the request."""
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    status = getattr(error, "status_code", None)
    text = str(message or error).splitlines()[0][:200] if str(message or error) else type(error).__name__
    return f"{status}: {text}" if status else text


def host_of(base_url: str) -> str:
    """Host and port, without what stands before @."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
