"""Is the endpoint well, and what does it speak?"""

from typing import Any

import msgspec
from litestar import get
from msgspec import Struct

from sync import phone, protocol, receipts
from sync.protocol import CHUNK_RECORDS, RECORD
from sync.server import feed
from sync.server.routes.desktop import Asked, endpoint_of

REFUSED = {
    "description": "Refused: an RFC 9457 problem; the end of its type is a stable key.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
RECORDS = {
    "required": True,
    "description": f"Up to {CHUNK_RECORDS} records of {RECORD} bytes.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
CIPHERTEXT = {
    "required": True,
    "description": "Up to 1 MiB that only the desktop itself can read.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}

SIGNED = {
    "type": "apiKey",
    "in": "header",
    "name": "Signature",
    "description": "RFC 9421, Ed25519, one fixed profile; with Signature-Input, Content-Digest, KX-Protocol, KX-Device "
    "and KX-Incarnation.",
}


class Health(Struct, frozen=True):
    status: str
    epoch: str


@get("/healthz")
async def health(request: Asked) -> Health:
    """Answers once the database can be read."""
    return Health("ok", await endpoint_of(request).store.read(feed.epoch))


@get("/openapi.json", include_in_schema=False)
async def description(request: Asked) -> dict[str, Any]:
    """Every route and message, written from their types."""
    schema = request.app.openapi_schema.to_schema()
    spoken = schema["components"]["schemas"]
    messages = [
        getattr(module, name) for module in (protocol, phone, receipts) for name in spoken if hasattr(module, name)
    ]
    spoken |= msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")[
        1
    ]  # with every limit
    schema["components"]["securitySchemes"] = {"signed": SIGNED}
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("400", None)  # the framework's own, which nobody here gets to see
            operation["responses"]["default"] = REFUSED
            if path.startswith("/sync/v1/") and path != "/sync/v1/enroll":
                operation["security"] = [{"signed": []}]
            if path.endswith("/chunks/{n}"):
                operation["requestBody"] = RECORDS
            elif "put" in methods and "/blobs/" in path and operation is methods["put"]:
                operation["requestBody"] = CIPHERTEXT
    return schema


ROUTES = (health, description)
