"""What the command line reads, and what it answers to something else."""

import pytest

from tui.__main__ import main

VENUE_REFUSALS = [
    (["--port", "65536"], "expected a port from 0 to 65535, got 65536"),
    (["--port", "-1"], "expected a whole number, got '-1'"),
    (["--seed", "1_0"], "expected a whole number, got '1_0'"),
    (["--seed", "٣"], "expected a whole number"),
    (["--markets", "9" * 19], "expected a whole number"),
    (["--speed", "0"], "expected a speed from 0.01 to 1000, got '0'"),
    (["--speed", "NaN"], "expected a speed from 0.01 to 1000, got 'NaN'"),
    (["--volatility", "10001"], "expected a whole number from 0 to 10000, got '10001'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), VENUE_REFUSALS)
def test_an_argument_that_cannot_be_used_is_one_sentence_and_exit_code_2(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["venue", *arguments])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_profile_may_stand_before_the_command_and_after_it(capsys):
    assert main(["--profile", "paper", "config"]) == 0
    before = capsys.readouterr().out
    assert main(["config", "--profile", "paper"]) == 0
    assert capsys.readouterr().out == before


def test_the_profile_named_last_counts(capsys):
    assert main(["--profile", "nowhere", "config", "--profile", "paper"]) == 0
    assert '"profile": "paper"' in capsys.readouterr().out
