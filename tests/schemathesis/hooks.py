"""Read by schemathesis: counts what was really sent, and holds every answer against the roles in the document.

`UPHOLD_CALLER` is the role of the token that is sent, or `nobody`; `UPHOLD_TALLY` is the file for the counts; the names
of the tokens that the run itself needs begin with `UPHOLD_KEPT`.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path

import requests
import schemathesis

CALLER = os.environ["UPHOLD_CALLER"]
TOKEN = os.environ.get("UPHOLD_TOKEN")
TALLY = Path(os.environ["UPHOLD_TALLY"])
KEPT = os.environ["UPHOLD_KEPT"]
ANYBODY = "anybody"

statuses: Counter[str] = Counter()
operations: Counter[str] = Counter()
server_errors: list[str] = []

# Every request goes through here, also those that a check sends by itself.
_send = requests.Session.send


def _counting_send(self, request, **kwargs):
    response = _send(self, request, **kwargs)
    statuses[str(response.status_code)] += 1
    if response.status_code >= 500 and not (response.status_code == 503 and "Retry-After" in response.headers):
        server_errors.append(f"{request.method} {request.url} was answered {response.status_code}: {response.text}")
    return response


requests.Session.send = _counting_send


@schemathesis.serializer("application/vnd.uphold.push", "application/vnd.uphold.batch")
def push(context, value):
    """A push is bytes, and so is a batch of an import; what chance makes of it is none, which the collector has to say."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.hook
def before_call(context, case, kwargs):
    """The run's own tokens, whose names it reads like any others, are not revoked by it."""
    name = (case.path_parameters or {}).get("name")
    if case.method.upper() == "DELETE" and isinstance(name, str) and name.startswith(KEPT):
        case.path_parameters["name"] = "nobody-has-this-name"


@schemathesis.check
def rights_are_those_of_the_document(ctx, response, case):
    """Nobody gets a 2xx beyond their rights, and nobody is refused what their role may."""
    roles = case.operation.definition.raw["x-roles"]
    sent = response.request.headers.get("Authorization")
    mine = TOKEN is not None and sent == f"Bearer {TOKEN}"
    caller = CALLER if mine else "nobody"
    may = ANYBODY in roles or caller in roles
    operations[f"{case.operation.label} {response.status_code}"] += 1
    if response.status_code < 400 and not may:
        raise AssertionError(f"{caller} is answered {response.status_code}, and only {', '.join(roles)} may")
    if response.status_code == 401 and mine:
        raise AssertionError(f"the good token of {caller} is not taken")
    # An agent's rights are bound to what it observes, which its role does not say.
    if response.status_code == 403 and mine and may and caller != "agent":
        raise AssertionError(f"{caller} is refused what the document allows: {response.text}")


@atexit.register
def write_tally():
    tally = {"statuses": statuses, "operations": operations, "server_errors": server_errors}
    TALLY.write_text(json.dumps(tally))
