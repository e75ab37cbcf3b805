"""A command that ends soon searches for garbage seldom, and leaves the process as it was."""

import gc

import pytest

from app.cli.garbage import SELDOM, garbage_seldom_collected


def test_the_pace_is_slower_within_and_as_before_afterwards():
    before = gc.get_threshold()
    with garbage_seldom_collected():
        assert gc.get_threshold()[0] == SELDOM
        assert gc.isenabled()
    assert gc.get_threshold() == before


def test_the_pace_comes_back_when_a_command_fails():
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no candles"), garbage_seldom_collected():
        raise ValueError("no candles")
    assert gc.get_threshold() == before
