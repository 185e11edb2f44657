"""The exported folder on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import hub_reason

NO_LOGIN = (
    "push= needs a login: type `hf auth login` (or set HF_TOKEN), or leave push= out and upload the folder later."
)


def refuse_push(repository: str, *, overwrite: bool) -> None:
    """Raises UserError where nobody is logged in, the name is none, or the repository is there: before any work."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(f"push={repository} is no name of a repository: give user/name ({error}).") from error
    if "/" not in repository:
        raise UserError(f"push={repository} is no name of a repository: give user/name.")
    if get_token() is None:
        raise UserError(NO_LOGIN)
    try:
        exists = HfApi().repo_exists(repository)
        HfApi().whoami()
    except Exception as error:  # network and hub errors of a dozen classes, none of them this program's bug
        raise UserError(f"push={repository}: the hub refuses or cannot be reached ({hub_reason(error)}).") from error
    if exists and not overwrite:
        raise UserError(f"push={repository} exists: type overwrite=true to add a commit that replaces its files.")


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Upload ``folder`` as one commit and return its address. Raises UserError where the hub does not take it."""
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Export from sentiment-transfer", delete_patterns="*"
        )
    except Exception as error:
        raise UserError(
            f"The upload to {repository} failed ({hub_reason(error)}). The export is whole, in {folder}; upload it "
            f"with: hf upload {repository} {folder}"
        ) from error
    return str(commit.commit_url)
