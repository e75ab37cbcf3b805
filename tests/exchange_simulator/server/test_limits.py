import pytest

from exchange_simulator.server.limits import Limits, RateLimited, RateLimiter

MINUTE = 60_000_000
NOW = 1_000 * MINUTE + 15_000_000
HERE = "127.0.0.1"


def refused_by(limiter: RateLimiter, weight: int, now_us: int) -> RateLimited:
    with pytest.raises(RateLimited) as refused:
        limiter.charge(HERE, weight, now_us)
    return refused.value


def test_weight_adds_up_within_a_minute_and_is_fresh_in_the_next():
    limiter = RateLimiter(Limits(weight_per_minute=100))
    assert limiter.charge(HERE, 60, NOW) == 60
    assert limiter.charge(HERE, 40, NOW) == 100
    assert limiter.charge(HERE, 1, NOW + MINUTE) == 1
    assert limiter.charge("other", 7, NOW) == 7


def test_too_much_weight_is_refused_with_the_seconds_left():
    limiter = RateLimiter(Limits(weight_per_minute=100))
    limiter.charge(HERE, 100, NOW)
    error = refused_by(limiter, 1, NOW)
    assert (error.http_status, error.code, error.retry_after_s) == (429, -1003, 45)


def test_going_on_after_429_is_banned_and_every_further_ban_is_longer():
    limiter = RateLimiter(Limits(weight_per_minute=1, requests_over_the_limit_before_ban=2))
    limiter.charge(HERE, 1, NOW)
    assert [refused_by(limiter, 1, NOW).http_status for _ in range(3)] == [429, 429, 418]
    banned = refused_by(limiter, 1, NOW + MINUTE)
    assert (banned.http_status, banned.retry_after_s) == (418, 60)
    later = NOW + 2 * MINUTE
    limiter.charge(HERE, 1, later)
    assert [refused_by(limiter, 1, later).http_status for _ in range(3)] == [429, 429, 418]
    assert refused_by(limiter, 1, later).retry_after_s == 240


def test_orders_are_counted_by_account_and_given_back_by_a_fill():
    limiter = RateLimiter(Limits(orders_per_10_seconds=2))
    limiter.count_orders("a", 1, NOW)
    limiter.count_orders("a", 1, NOW)
    with pytest.raises(RateLimited) as refused:
        limiter.count_orders("a", 1, NOW)
    assert (refused.value.code, refused.value.http_status, refused.value.retry_after_s) == (-1015, 429, None)
    limiter.count_orders("b", 2, NOW)
    limiter.give_back_orders("a", 1, NOW)
    limiter.count_orders("a", 1, NOW)
    assert limiter.orders_used("a", NOW) == (2, 2)
    assert limiter.order_headers("a", NOW + 10_000_000) == {"X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "2"}


def test_limits_that_are_not_enforced_only_count():
    limiter = RateLimiter(Limits(weight_per_minute=1, orders_per_10_seconds=1), enforced=False)
    assert [limiter.charge(HERE, 5, NOW) for _ in range(3)] == [5, 10, 15]
    limiter.count_orders("a", 3, NOW)
    assert limiter.orders_used("a", NOW) == (3, 3)


def test_a_ban_by_fault_holds_even_when_limits_are_not_enforced():
    limiter = RateLimiter(Limits(), enforced=False)
    limiter.ban(HERE, 30, NOW)
    assert refused_by(limiter, 1, NOW + 10_000_000).retry_after_s == 20
    assert limiter.charge(HERE, 1, NOW + 31_000_000) == 1
