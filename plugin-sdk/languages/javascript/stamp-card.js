// A stamp card: one stamp a day, a gift when the card is full. The same plugin as ../../template in Rust.
//
// A capability is an import, an error of the host a thrown object with its `payload`. Numbers are plain numbers; a document is JSON text.

import { current, local } from "siyu:plugin/context@1.0.0";
import { take } from "siyu:plugin/counters@1.0.0";
import { emit } from "siyu:plugin/events@1.0.0";
import { get, put } from "siyu:plugin/records@1.0.0";
import { get as definition } from "siyu:plugin/resources@1.0.0";

const STAMPED_TODAY = { code: "STAMPED_TODAY", summary: "the customer has a stamp of today" };

const MANIFEST = {
  name: "stamp-card",
  version: "1.0.0",
  contract: "1.0.0",
  summary: "Stamp cards: one stamp a day, a gift when the card is full.",
  steps: [
    {
      name: "stamp",
      summary: "Stamps the customer's card, once a day.",
      input: {
        type: "object",
        properties: { card: { type: "string", description: "The card, a resource of this plugin." } },
        required: ["card"],
        additionalProperties: false,
      },
      output: {
        type: "object",
        properties: {
          stamps: { type: "integer", minimum: 0, description: "Stamps that count." },
          is_full: {
            type: "boolean",
            description: "Whether this stamp filled the card. The next one begins a new card.",
          },
        },
        required: ["stamps", "is_full"],
      },
      refusals: [STAMPED_TODAY],
    },
  ],
  resources: [
    {
      kind: "card",
      summary: "A card that customers collect stamps on.",
      schema: {
        type: "object",
        properties: {
          stamps: { type: "integer", minimum: 0, maximum: 4294967295, description: "How many stamps fill the card." },
          stamp_lasts: { type: "string", format: "siyu-duration", description: "How long a stamp counts." },
        },
        required: ["stamps", "stamp_lasts"],
        additionalProperties: false,
      },
    },
  ],
  events: [
    {
      type: "stamp_card.filled",
      summary: "A card is full: the customer has earned the gift.",
      data: {
        type: "object",
        properties: { card: { type: "string", description: "Which card." } },
        required: ["card"],
      },
    },
  ],
  capabilities: [
    { name: "counters", why: "gives one stamp a day" },
    { name: "events", why: "says that a card is full" },
    { name: "records", why: "keeps the customer's stamps" },
    { name: "resources", why: "reads the card that an operator defined" },
  ],
};

const UNITS_MS = { w: 604800000, d: 86400000, h: 3600000, m: 60000, s: 1000, ms: 1 };

// Milliseconds of a text such as `1h 30m`. The host has checked it by the schema's format.
function duration(text) {
  const parts = [...text.matchAll(/(\d+)(ms|[wdhms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit], 0);
}

// A failure that no repetition mends.
function permanent(code, message) {
  return { tag: "permanent", val: { code, message } };
}

function stamp({ card: name }) {
  const call = current();
  if (call.customer === undefined) throw permanent("NO_CUSTOMER", "a stamp is for a customer: start the run for one");
  const text = definition("card", name);
  if (text === undefined) throw permanent("NO_CARD", `there is no card \`${name}\``);
  const card = JSON.parse(text);
  const today = local(call.now, call.zone);
  const once = ["stamped", name, call.customer, today.year, today.month, today.day].join("/");
  if (!take(once, 1, 1).ok) {
    return { tag: "refused", val: { code: STAMPED_TODAY.code, message: STAMPED_TODAY.summary } };
  }
  const lasts = duration(card.stamp_lasts);
  const kept = JSON.parse(get(call.customer, name) ?? "[]").filter((at) => call.now - at < lasts);
  kept.push(call.now);
  const stamps = kept.length;
  const isFull = stamps >= card.stamps;
  if (isFull) emit("stamp_card.filled", undefined, JSON.stringify({ card: name }));
  put(call.customer, name, JSON.stringify(isFull ? [] : kept));
  return { tag: "done", val: JSON.stringify({ stamps, is_full: isFull }) };
}

export const steps = {
  describe: () => JSON.stringify(MANIFEST),
  run(step, input) {
    if (step !== "stamp") throw permanent("NO_STEP", `there is no step \`${step}\``);
    return stamp(JSON.parse(input));
  },
};

export const resourceKinds = {
  check(_kind, _name, text) {
    if (JSON.parse(text).stamps > 0) return [];
    const message = "a card without stamps is never full: expected 1 or more";
    return [{ pointer: "/stamps", isError: true, code: "CARD_EMPTY", message }];
  },
  // A card does nothing by itself: no step reacts to an event because of it.
  apply: () => "[]",
};
