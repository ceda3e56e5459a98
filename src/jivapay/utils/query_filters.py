"""What "available" means, in one place: the selector, statistics and cabinets all ask for the same (UTL-02).

SQL fragments over the aliases `u` (users), `t` (traders), `r` (requisites), `rs` (requisite_settings).
"""

from jivapay.schemas_enums.enums import Direction


def get_active_trader_filters() -> dict[str, str]:
    """Rule name → condition that a trader meets who takes orders now."""
    return {
        "user_inactive": "u.is_active",
        "trader_not_in_work": "t.in_work",
        "traffic_disabled": "t.is_traffic_enabled_by_teamlead",
    }


def get_active_requisite_filters(direction: Direction) -> dict[str, str]:
    """Rule name → condition that a requisite meets which may be used for `direction`."""
    return {
        "requisite_not_approved": "r.status = 'approve'",
        "requisite_excluded": "not r.is_excluded_from_distribution",
        "direction_disabled": "rs.pay_in" if direction is Direction.PAY_IN else "rs.pay_out",
    }
