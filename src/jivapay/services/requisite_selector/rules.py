"""The rules an available requisite meets, each with the name that the explanation counts it under.

The same conditions choose the candidate and explain why there is none, so the two can never disagree. Parameters:
`:currency :crypto :method :bank :amount :test :store_percent :margin :base_rate :scale :declined_by`.
"""

from jivapay.schemas_enums.enums import Direction, OwnerType
from jivapay.services import commission_service
from jivapay.utils.query_filters import get_active_requisite_filters, get_active_trader_filters

TODAY = "(app_now() at time zone 'utc')::date"
DAY_USED = f"(case when r.day = {TODAY} then r.day_used else 0 end)"

_SOURCES = """
requisites r
  join requisite_settings rs on rs.requisite_id = r.id
  join traders t on t.id = r.trader_id
  join users u on u.id = t.user_id
  left join lateral (select {percent} as percent offset 0) tc on true
  left join accounts a on a.owner_type = 'trader' and a.owner_id = t.id and a.kind = 'crypto'
       and a.currency = :crypto and a.test = r.test
"""

SCOPE = "r.fiat_currency = :currency and r.test = :test and t.crypto_currency = :crypto"
"""What is not even counted as a near miss."""


def trader_percent(direction: Direction, trader: str = "t.id", method: str = "r.payment_method") -> str:
    """SQL for the trader's commission in force."""
    return commission_service.percent_sql(OwnerType.TRADER, trader, f"'{direction.value}'", method)


def sources(direction: Direction) -> str:
    """A requisite with all that is asked of it. `tc.percent` is computed once (`offset 0`), not at each mention."""
    return _SOURCES.format(percent=trader_percent(direction))


def rules(direction: Direction) -> dict[str, str]:
    """Rule name → condition, in the order in which a failure is reported.

    `amount_taken` is a scalar subquery: as `not exists` it becomes a join, which a plan made over few orders begins
    from the amount and not from the trader.
    """
    common = {
        **get_active_trader_filters(),
        **get_active_requisite_filters(direction),
        "other_method": "r.payment_method = :method",
        "other_bank": "(cast(:bank as text) is null or r.bank = :bank)",
        "commission_above_store": "tc.percent <= :store_percent",
        "order_limit": ":amount between rs.lower_limit and rs.upper_limit",
        "day_limit": f"(rs.turnover_day_max is null or {DAY_USED} + :amount <= rs.turnover_day_max)",
        "total_limit": "(rs.total_limit is null or r.total_used + :amount <= rs.total_limit)",
        "window_limit": (
            "(rs.turnover_limit_sum is null or :amount <= rs.turnover_limit_sum - coalesce((select sum(w.amount_agreed)"
            " from orders w where w.requisite_id = r.id and w.counted_day is not null"
            " and w.created_at > app_now() - make_interval(mins => rs.turnover_limit_minutes::int)), 0))"
        ),
        "open_cover": "not exists (select 1 from covers c where c.account_id = a.id and c.outstanding > 0)",
        "open_orders": "r.open_count < rs.max_open_orders",
    }
    if direction is Direction.PAY_OUT:
        return {**common, "declined_before": "not (r.trader_id = any(:declined_by))"}
    return {
        **common,
        "deposit": (
            "(coalesce(a.may_go_negative, r.test) or coalesce(a.balance - a.held, 0) >= "
            "money_round(:amount / :base_rate, :scale) "
            "- money_round(money_round(:amount / :base_rate, :scale) * tc.percent / 100, :scale))"
        ),
        "amount_taken": (
            "(select true from orders x where x.trader_id = r.trader_id and x.fiat_currency = :currency"
            " and x.amount_slot = :amount and (x.slot_free_at is null or x.slot_free_at > app_now())) is null"
        ),
    }
