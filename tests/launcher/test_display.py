"""What a sweep shows: the live table, the lines of finished jobs, and the time that is left."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from hydra_plugins.slots_launcher._display import Counts, Display, Row, fitted, running_table
from hydra_plugins.slots_launcher._progress import Pace, Progress
from hydra_plugins.slots_launcher._remaining import AtWork, Durations, about, seconds_left
from hydra_plugins.slots_launcher._status import Status, status_table

NAME = "large-amazon_en-s0-5e0a2c11"
EPOCH = Progress(0.31, "training epoch 2/4", written=3720.0, first=0.01, seconds=3700.0)


def shown(table: Table, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(table)
    return capture.get().splitlines()


def live(width: int, *rows: Row) -> list[str]:
    return shown(running_table(rows, 3720.0, width), width)


def test_a_running_job_shows_its_stage_its_share_and_the_time_that_is_left() -> None:
    heading, row = live(100, Row(NAME, "gpu 0", 0.0, EPOCH))
    assert heading.split() == ["running", "slot", "progress", "so", "far", "left"]
    assert row.split() == [
        NAME,
        "gpu",
        "0",
        "31%",
        "training",
        "epoch",
        "2/4",
        *["1", "h", "2", "min", "2", "h", "21", "min"],
    ]


def test_a_stage_without_a_share_has_no_percent() -> None:
    rows = [Row("a", "cpu 0", 0.0, Progress(0.0, "tokenising 40%", 1.0)), Row("b", "cpu 1", 3719.0)]
    _, one, other = live(80, *rows)
    assert one.split()[3:5] == ["tokenising", "40%"]
    assert other.split()[3] == "starting"


@pytest.mark.parametrize("width", [80, 72, 60])
def test_a_narrow_terminal_has_fewer_columns_and_whole_names(width: int) -> None:
    lines = live(width, Row(NAME, "gpu 0", 0.0, EPOCH))
    assert max(map(len, lines)) <= width
    assert NAME in lines[1] and "31% training epoch 2/4" in lines[1]
    assert "so far" not in lines[0]


def test_as_many_scores_as_fit_are_shown_and_the_others_counted() -> None:
    scores = ["smsa_id 91.3 F1", "uci_en 88.0 F1", "jalan_ja 79.0 F1"]
    assert fitted(scores, 80) == "smsa_id 91.3 F1, uci_en 88.0 F1, jalan_ja 79.0 F1"
    assert fitted(scores, 40) == "smsa_id 91.3 F1, uci_en 88.0 F1 +1 more"
    assert fitted(scores, 5) == "smsa_id 91.3 F1 +2 more"
    assert fitted([], 80) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_finished_jobs_line_has_its_scores_within_the_terminals_width(terminal: bool) -> None:
    file = io.StringIO()
    display = Display(Console(file=file, force_terminal=terminal, width=80, color_system=None, soft_wrap=True))
    display.event("done", NAME, "in 45 s", [f"nusax_{n} 80.{n} [F1]" for n in range(9)])
    [line] = file.getvalue().splitlines()
    assert line.startswith(f"done     {NAME}  in 45 s  nusax_0 80.0 [F1]")
    assert (len(line) <= 80, line.endswith(" more")) == (terminal, terminal)


def test_a_score_has_the_room_of_a_duration_that_does_not_fit_beside_it() -> None:
    file = io.StringIO()
    display = Display(Console(file=file, force_terminal=True, width=80, color_system=None, soft_wrap=True))
    name = "e5_small-2l-written_en-s2-f8836a8e"
    display.event("done", name, "in 1 min 38 s", ["written_ja 50.0!* error", "written_id 50.0!* error"])
    assert file.getvalue().splitlines() == [f"done     {name}  written_ja 50.0!* error +1 more"]


def test_the_status_of_finished_jobs_fits_80_columns_in_a_line_each() -> None:
    rows = [
        Status(f"e5_small-2l-written_en-s{n}-f8836a8e", "done", changed=1.0, scores=["written_ja 50.0!* error"] * 3)
        for n in range(3)
    ]
    lines = shown(status_table(rows, 7300.0, 80), 80)
    assert len(lines) == 2 + 3 and max(map(len, lines)) <= 80
    assert all(line.rstrip().endswith("written_ja 50.0!* error +2 more") for line in lines[2:])
    assert "since" in shown(status_table(rows, 7300.0, 120), 120)[0]


def test_the_counts_say_how_long_the_sweep_still_takes() -> None:
    assert Counts(3, queued=1, running=2, left=12_000.0).line().endswith("0 done; about 3 h 20 min left")
    assert Counts(3, queued=1, running=2).line().endswith("0 done")
    assert [about(s) for s in (None, 47.2, 604.0)] == ["", "about 47 s left", "about 10 min left"]


def test_a_job_takes_as_long_as_jobs_of_its_cost_or_in_proportion_to_the_nearest() -> None:
    durations = Durations([(10.0, 100.0), (10.0, 120.0), (1.0, 30.0)])
    assert [durations.expected(cost) for cost in (10.0, 20.0, 2.0)] == [110.0, 220.0, 60.0]
    assert Durations([]).expected(3.0) is None
    assert Durations([(0.0, 50.0)]).expected(0.0) == 50.0  # where no cost is known


def test_what_is_left_is_the_queue_in_the_slots_that_become_free() -> None:
    # Half done after 100 s, and started 20 s before its first share: 220 s in all, 100 s left.
    running = AtWork(10.0, 120.0, Progress(0.5, "", 1000.0, first=0.0, seconds=100.0))
    assert running.whole(1000.0) == pytest.approx(220.0)
    assert seconds_left([], [running], 1, [], 1000.0) == pytest.approx(100.0)
    assert seconds_left([], [running], 1, [], 1030.0) == pytest.approx(70.0)
    assert seconds_left([10.0, 5.0], [running], 1, [], 1000.0) == pytest.approx(100 + 220 + 110)
    assert seconds_left([10.0, 5.0], [running], 2, [], 1000.0) == pytest.approx(220.0)  # one at once, then the other
    loading = AtWork(10.0, 30.0)
    assert seconds_left([], [running, loading], 2, [], 1000.0) == pytest.approx(190.0)
    assert seconds_left([1.0], [loading], 1, [], 1000.0) is None  # nothing tells how long a job takes
    assert seconds_left([1.0], [loading], 1, [(10.0, 50.0)], 1000.0) == pytest.approx(25.0)


def test_a_continued_job_is_judged_by_what_this_attempt_did() -> None:
    continued = AtWork(1.0, 30.0, Progress(0.6, "", 1000.0, first=0.5, seconds=20.0))
    assert continued.left(1000.0) == pytest.approx(80.0)
    assert continued.whole(1000.0) == pytest.approx(210.0)


def test_a_program_that_does_not_say_when_it_began_is_timed_from_outside() -> None:
    pace = Pace()
    for done, written in ((0.0, 90.0), (0.5, 100.0), (0.6, 110.0), (0.1, 200.0), (0.2, 210.0)):
        pace.see(Progress(done, "", written))
        if done == 0.6:
            assert pace.latest is not None and pace.latest.seconds_left(115.0) == pytest.approx(35.0)
    assert pace.latest is not None and pace.latest.seconds_left(210.0) == pytest.approx(80.0)
