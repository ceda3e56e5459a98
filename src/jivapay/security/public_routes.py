"""The routes that need no permission, by method and path, each with its reason. A test walks the route table:
every other route declares one, or the key of a store.
"""

from jivapay.schemas_enums.enums import Role

_AUTH = {
    (method, f"/api/{role}/auth/{name}"): reason
    for role in Role
    for method, name, reason in (
        ("POST", "token", "signs in"),
        ("POST", "login", "signs in"),
        ("POST", "refresh", "the refresh token proves the caller"),
    )
}
_REFERENCE = {
    ("GET", f"/api/public/{name}"): "reference data"
    for name in ("banks", "payment-methods", "currencies", "exchange-rates")
} | {
    ("GET", f"/api/public/{name}"): "what others check the ledger with; holds nobody's data"
    for name in ("chain-heads", "proof-keys")
}
_PAGE = {
    ("GET", "/gateway/payment_session/{token}"): "the page's token proves the caller",
    ("GET", "/gateway/payment_session/{token}/status"): "the page's token proves the caller",
    ("POST", "/gateway/payment_session/{token}/method"): "the page's token proves the caller",
    ("POST", "/gateway/payment_session/{token}/confirm"): "the page's token proves the caller",
    ("POST", "/gateway/payment_session/{token}/cancel"): "the page's token proves the caller",
    ("POST", "/gateway/payment_session/{token}/dispute"): "the page's token proves the caller",
}
_PAGES = {
    ("GET", "/pay/{token}"): "the page's token proves the caller",
    ("POST", "/pay/{token}/method"): "the page's token proves the caller",
    ("POST", "/pay/{token}/confirm"): "the page's token proves the caller",
    ("POST", "/pay/{token}/cancel"): "the page's token proves the caller",
    ("POST", "/pay/{token}/dispute"): "the page's token proves the caller",
    ("GET", "/pay/{token}/qr.svg"): "the page's token proves the caller",
    ("GET", "/static/{name}"): "the same for everybody",
}
_HEALTH = {("GET", path): "health" for path in ("/healthz/", "/livez", "/readyz")}
_CONSOLE = {
    ("GET", path): "the description of the interface; not served in production unless asked for"
    for path in ("/docs", "/docs/start.js", "/docs/assets/{name}", "/openapi.json")
}

_PAYOUTS_SCHEMA = {
    ("GET", f"/api/schema/{path}"): "the payouts service's description, part of its contract"
    for path in ("", "swagger-ui/", "start.js", "assets/{name}")
}

PUBLIC_ROUTES: dict[tuple[str, str], str] = {
    **_AUTH,
    **_REFERENCE,
    **_PAGE,
    **_PAGES,
    **_HEALTH,
    **_CONSOLE,
    **_PAYOUTS_SCHEMA,
}
