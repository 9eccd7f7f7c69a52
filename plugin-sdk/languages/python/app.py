"""A stamp card: one stamp a day, a gift when the card is full. The same plugin as ../../template in Rust.

A capability is an import, an error of the host an exception of the bindings. A document is JSON text.
"""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.resource_kinds import Finding
from wit_world.exports.steps import Answer_Done, Answer_Refused, Fault_Permanent, FaultInfo, Refusal
from wit_world.imports import context, counters, events, records, resources

STAMPED_TODAY = {"code": "STAMPED_TODAY", "summary": "the customer has a stamp of today"}

MANIFEST = {
    "name": "stamp-card",
    "version": "1.0.0",
    "contract": "1.0.0",
    "summary": "Stamp cards: one stamp a day, a gift when the card is full.",
    "steps": [
        {
            "name": "stamp",
            "summary": "Stamps the customer's card, once a day.",
            "input": {
                "type": "object",
                "properties": {"card": {"type": "string", "description": "The card, a resource of this plugin."}},
                "required": ["card"],
                "additionalProperties": False,
            },
            "output": {
                "type": "object",
                "properties": {
                    "stamps": {"type": "integer", "minimum": 0, "description": "Stamps that count."},
                    "is_full": {
                        "type": "boolean",
                        "description": "Whether this stamp filled the card. The next one begins a new card.",
                    },
                },
                "required": ["stamps", "is_full"],
            },
            "refusals": [STAMPED_TODAY],
        }
    ],
    "resources": [
        {
            "kind": "card",
            "summary": "A card that customers collect stamps on.",
            "schema": {
                "type": "object",
                "properties": {
                    "stamps": {
                        "type": "integer",
                        "minimum": 0,
                        "maximum": 4294967295,
                        "description": "How many stamps fill the card.",
                    },
                    "stamp_lasts": {
                        "type": "string",
                        "format": "siyu-duration",
                        "description": "How long a stamp counts.",
                    },
                },
                "required": ["stamps", "stamp_lasts"],
                "additionalProperties": False,
            },
        }
    ],
    "events": [
        {
            "type": "stamp_card.filled",
            "summary": "A card is full: the customer has earned the gift.",
            "data": {
                "type": "object",
                "properties": {"card": {"type": "string", "description": "Which card."}},
                "required": ["card"],
            },
        }
    ],
    "capabilities": [
        {"name": "counters", "why": "gives one stamp a day"},
        {"name": "events", "why": "says that a card is full"},
        {"name": "records", "why": "keeps the customer's stamps"},
        {"name": "resources", "why": "reads the card that an operator defined"},
    ],
}

UNITS_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def duration(text: str) -> int:
    """Milliseconds of a text such as `1h 30m`. The host has checked it by the schema's format."""
    return sum(int(count) * UNITS_MS[unit] for count, unit in re.findall(r"(\d+)(ms|[wdhms])", text))


def permanent(code: str, message: str) -> Err:
    """A failure that no repetition mends."""
    return Err(Fault_Permanent(FaultInfo(code, message)))


def stamp(name: str) -> Answer_Done | Answer_Refused:
    call = context.current()
    if call.customer is None:
        raise permanent("NO_CUSTOMER", "a stamp is for a customer: start the run for one")
    text = resources.get("card", name)
    if text is None:
        raise permanent("NO_CARD", f"there is no card `{name}`")
    card = json.loads(text)
    today = context.local(call.now, call.zone)
    once = f"stamped/{name}/{call.customer}/{today.year}/{today.month}/{today.day}"
    if not counters.take(once, 1, 1).ok:
        return Answer_Refused(Refusal(STAMPED_TODAY["code"], STAMPED_TODAY["summary"], None))
    lasts = duration(card["stamp_lasts"])
    kept = [at for at in json.loads(records.get(call.customer, name) or "[]") if call.now - at < lasts]
    kept.append(call.now)
    stamps = len(kept)
    is_full = stamps >= card["stamps"]
    if is_full:
        events.emit("stamp_card.filled", None, json.dumps({"card": name}))
    records.put(call.customer, name, json.dumps([] if is_full else kept))
    return Answer_Done(json.dumps({"stamps": stamps, "is_full": is_full}))


class Steps(exports.Steps):
    def describe(self) -> str:
        return json.dumps(MANIFEST)

    def run(self, step: str, input: str) -> Answer_Done | Answer_Refused:
        if step != "stamp":
            raise permanent("NO_STEP", f"there is no step `{step}`")
        return stamp(json.loads(input)["card"])


class ResourceKinds(exports.ResourceKinds):
    def check(self, kind: str, name: str, definition: str) -> list[Finding]:
        if json.loads(definition)["stamps"] > 0:
            return []
        message = "a card without stamps is never full: expected 1 or more"
        return [Finding("/stamps", True, "CARD_EMPTY", message)]

    def apply(self, kind: str, name: str, definition: str) -> str:
        # A card does nothing by itself: no step reacts to an event because of it.
        return "[]"
