"""Whatever is sent to the endpoint, fitting its description or not, it answers as the description says.

`python -m tests.campaigns.contract [--examples 300] [--seed 1]`: requests that schemathesis makes out of the endpoint's
own /openapi.json, each sent as anybody and as a paired desktop that signs it, to a real endpoint process.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync.client import Identity, SyncClient, new_incarnation
from sync.signing import message_of, sign
from tests.drivers.endpoint import new_merchant, running

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
TIMEOUT_S = 10
Case = schemathesis.Case


@dataclass(slots=True)
class Contract:
    """The endpoint's description, and a desktop that may do everything."""

    url: str
    schema: schemathesis.BaseSchema
    identity: Identity
    answers: Counter[int] = field(default_factory=Counter)
    """How many requests were answered by each status."""

    def names(self) -> list[str]:
        return [found.ok().label for found in self.schema.get_all_operations()]

    def hold(self, name: str, *, examples: int, seed_: int) -> None:
        """One operation. Raises what schemathesis found, with the request that shows it."""
        (operation,) = [one for found in self.schema.get_all_operations() if (one := found.ok()).label == name]

        @seed(seed_)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*_strategies(operation)), signed=st.booleans())
        def answers_as_described(case: Case, *, signed: bool) -> None:
            self.ask(case, signed=signed)

        answers_as_described()

    def ask(self, case: Case, *, signed: bool) -> None:
        prepared = requests.Request(**case.as_transport_kwargs(base_url=self.url)).prepare()
        if signed:
            prepared.headers.update(self._signature(prepared))
        with requests.Session() as session:
            answer = session.send(prepared, timeout=TIMEOUT_S, allow_redirects=False)
        self.answers[answer.status_code] += 1
        case.validate_response(answer, checks=list(CHECKS))

    def _signature(self, prepared: requests.PreparedRequest) -> dict[str, str]:
        body = prepared.body or b""
        message = message_of(str(prepared.method), str(prepared.url), body.encode() if isinstance(body, str) else body)
        own = self.identity
        return sign(message, own.key, device=own.device_id, incarnation=own.incarnation, created=int(time.time()))


def _strategies(operation: schemathesis.APIOperation) -> Iterator[st.SearchStrategy[Case]]:
    """Requests as described, and such that are not where anything can be wrong about them."""
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if len(operation.path_parameters) + len(operation.query) + len(operation.body):
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


@contextmanager
def contract(folder: Path) -> Iterator[Contract]:
    """Over an endpoint of its own; its log must be empty of faults at the end."""
    database = str(folder / "endpoint.db")
    with running(database, folder / "secrets.json") as url:
        yield Contract(
            url, schemathesis.openapi.from_url(f"{url}/openapi.json"), _enrolled(url, new_merchant(database))
        )


def _enrolled(url: str, made: dict[str, str]) -> Identity:
    key, incarnation = Ed25519PrivateKey.generate(), new_incarnation()
    stranger = SyncClient(url)
    answer = stranger.enroll(made["pairing_code"], device_name="desk", key=key, incarnation=incarnation)
    stranger.close()
    return Identity(answer.device_id, incarnation, key)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, contract(Path(made)) as held:
        for name in held.names():
            held.hold(name, examples=asked.examples, seed_=asked.seed)
            print(name, flush=True)
        print(f"{len(held.names())} operations, answers {dict(sorted(held.answers.items()))}, seed {asked.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
