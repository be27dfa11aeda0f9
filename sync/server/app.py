"""The endpoint as one ASGI application: documented routes (OpenAPI at /openapi.json) behind the front."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from sync.server import feed
from sync.server.endpoint import Endpoint
from sync.server.front import Front
from sync.server.problems import Refusal, problem
from sync.server.routes import desktop, phone, system

log = structlog.get_logger("kaxia.endpoint")
PROBLEM_JSON = "application/problem+json"
BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 429: "rate-limited"}


def application(endpoint: Endpoint) -> Front:
    """Ready for uvicorn; the store is started and stopped with it."""

    @asynccontextmanager
    async def life(app: Litestar) -> AsyncIterator[None]:
        endpoint.start()
        secrets = endpoint.secrets
        await endpoint.store.write(lambda transaction: feed.begin(transaction, secrets.pepper_id, secrets.public_key))
        yield
        endpoint.stop()

    documented = Litestar(
        route_handlers=[*desktop.ROUTES, *phone.ROUTES, *system.ROUTES],
        lifespan=[life],
        state=State({"endpoint": endpoint}),
        openapi_config=OpenAPIConfig(
            title="KX-Sync", version="1", path="/openapi", render_plugins=[JsonRenderPlugin(path="/schema.json")]
        ),
        exception_handlers={Refusal: _refused, HTTPException: _http, Exception: _broken},
        logging_config=None,
        request_max_body_size=None,
    )
    return Front(documented, endpoint)


def _refused(request: Request[Any, Any, Any], refusal: Exception) -> Response[bytes]:
    assert isinstance(refusal, Refusal), "registered for it"
    return _problem(request, refusal.key, **refusal.more)


def _http(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    assert isinstance(error, HTTPException), "registered for it"
    if isinstance(error, ValidationException) or error.status_code in (400, 415, 422):
        found = error.extra if isinstance(error.extra, list) else []
        pointers = [_pointer(str(part.get("key", ""))) for part in found if isinstance(part, dict)]
        return _problem(request, "invalid", pointers=pointers)
    answer = _problem(request, BY_STATUS.get(error.status_code, "internal"))
    if error.headers and "allow" in error.headers:
        answer.set_header("Allow", error.headers["allow"])
    return answer


def _pointer(key: str) -> str:
    """`ops[0].op_id` as the framework names a place → `/ops/0/op_id`; empty for the whole body."""
    return "" if key in ("", "data") else "/" + key.replace("[", ".").replace("]", "").replace(".", "/")


def _broken(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("request failed", kind=type(error).__name__, trace=_trace(request), exc_info=error)
    return _problem(request, "internal")


def _trace(request: Request[Any, Any, Any]) -> str:
    """What the front calls this request in the log."""
    return str(request.scope["state"]["trace"])


def _problem(request: Request[Any, Any, Any], key: str, **more: Any) -> Response[bytes]:
    told = problem(key, trace=_trace(request), **more)
    headers = {} if told.retry_after_s is None else {"Retry-After": str(max(1, round(told.retry_after_s)))}
    return Response(msgspec.json.encode(told), status_code=told.status, media_type=PROBLEM_JSON, headers=headers)
