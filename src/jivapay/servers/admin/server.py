"""The door of administrators: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.servers.app_factory import create_app as build_app

ROUTERS: tuple[APIRouter, ...] = ()


def create_app() -> FastAPI:
    return build_app("JivaPay admin", ROUTERS)
