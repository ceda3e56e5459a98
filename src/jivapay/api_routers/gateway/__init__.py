"""The gateway's routes: for stores by API key, for payment pages by token (API-18, API-19)."""
