/** Answers on their way: what happens to them when the network, the server or the disk does not do its part. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Api, Problem } from "../../static/reading/api.js";
import { whyItEnds } from "../../static/reading/leaving.js";
import { Outbox } from "../../static/reading/outbox.js";
import { Status } from "../../static/reading/status.js";
import { MemoryDisk, openPage, Server } from "./support.js";

const OWNER = "/api/reading/chest/ R1";
/** @type {Server} */ let server;
/** @type {MemoryDisk} */ let disk;
/** @type {Outbox} */ let outbox;

/** A sitting: what is on the disk is read again. */
async function sit(owner = OWNER) {
  outbox?.stop();
  const api = new Api(server.base, async () => {}, `${server.base}session/`);
  outbox = await Outbox.open(disk, owner, api);
  outbox.opening = false;
  return outbox;
}

function answer(question, score, { position = 1, id = `${position}-${question}-${score}`, held = false } = {}) {
  return { kind: "response", key: held ? `held:${position}:${question}` : id, path: `responses/${id}/`,
    position, held, body: { question, score, position } };
}

function measures(visible) {
  return { kind: "visit-update", key: "visit:v", path: "visits/v/", position: 1, body: { visible_ms: visible } };
}

const onDisk = () => [...disk.rows.values()];
const scores = () => [...server.stored.values()].map((body) => body.score ?? body.visible_ms);
const arrived = () => server.received.map(({ body }) => body.score ?? body.visible_ms);

beforeEach(async () => {
  openPage();
  server = await new Server().start();
  disk = new MemoryDisk();
  await sit();
});

afterEach(async () => {
  outbox.stop();
  await server.stop();
});

test("an entry is on the disk before it is sent, and leaves it when the server has acknowledged it", async () => {
  let seenOnDisk = 0;
  server.answer = () => { seenOnDisk = disk.rows.size; };
  await outbox.add(answer("trust", 4));
  await outbox.settle();
  assert.equal(seenOnDisk, 1);
  assert.deepEqual(onDisk(), []);
  assert.deepEqual(scores(), [4]);
});

test("entries are sent one by one in the order they were made, however slow an answer is", async () => {
  let open = () => {};
  const gate = new Promise((resolve) => { open = () => resolve(undefined); });
  server.answer = ({ body }) => (body.score === 1 ? { after: gate } : {});
  for (const score of [1, 2, 3]) await outbox.add(answer("trust", score, { position: score }));
  while (!server.received.length) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(arrived(), [1], "the second waits for the first one's answer");
  open();
  await outbox.settle();
  assert.deepEqual(arrived(), [1, 2, 3]);
});

test("without a network everything is kept, and sent in its order when it is back", async () => {
  await server.stop();
  await outbox.add(answer("trust", 2));
  await outbox.add(answer("trust", 5));
  await outbox.settle();
  assert.equal(outbox.waiting, true);
  assert.match(outbox.trouble, /cannot be reached/);
  assert.equal(onDisk().length, 2);
  await server.start();
  outbox.networkWorks();
  await outbox.settle();
  assert.deepEqual(arrived(), [2, 5]);
  assert.deepEqual(onDisk(), []);
  assert.equal(outbox.waiting, false);
});

test("an answer that is cut on its way back is asked for again with the same id", async () => {
  server.answer = () => ({ cut: server.received.length === 1 });
  await outbox.add(answer("trust", 3));
  await outbox.settle();
  assert.equal(onDisk().length, 1, "not known to be stored");
  await outbox.settle();
  assert.deepEqual(server.received.map(({ path }) => path), Array(2).fill("/api/responses/1-trust-3/"));
  assert.deepEqual(onDisk(), []);
});

test("a killed browser finds its answers again and sends them", async () => {
  await server.stop();
  await outbox.add(answer("trust", 2));
  await outbox.settle();
  await server.start();
  await sit();
  assert.deepEqual(outbox.pending(1).answers, { trust: 2 });
  await outbox.settle();
  assert.deepEqual(scores(), [2]);
});

test("a server that is busy or broken is asked again; what a proxy says is no acknowledgement", async () => {
  const said = [server.refuseWith(503, ""), server.refuseWith(429, ""), { body: "<h1>Log in to the guest network</h1>", type: "text/html" },
    { body: {} }, {}];
  server.answer = () => said[server.received.length - 1];
  await outbox.add(answer("trust", 1));
  for (const kept of [1, 1, 1, 1, 0]) {
    await outbox.settle();
    assert.equal(onDisk().length, kept, `after ${server.received.length} requests`);
  }
});

test("what no view has refused is asked again, and ends no read", async () => {
  const said = [{ status: 400, body: "<h1>Bad Request (400)</h1>", type: "text/html" }, server.refuseWith(404, "no_such_address"),
    server.refuseWith(500, "server_error"), { status: 413, body: "<h1>413 Request Entity Too Large</h1>", type: "text/html" }, {}];
  server.answer = () => said[server.received.length - 1];
  await outbox.add(answer("trust", 1));
  for (const [requests, kept] of [[1, 1], [2, 1], [3, 1], [4, 1], [5, 0]]) {
    await outbox.settle();
    assert.deepEqual([server.received.length, onDisk().length, outbox.stopped], [requests, kept, false]);
    assert.deepEqual(outbox.entries.map(({ refused }) => refused), Array(kept).fill(undefined));
  }
  assert.equal(new Problem({ code: "no_such_address" }, 404).stops, false);
});

test("a refused entry is told, set aside and never dropped; the others go on", async () => {
  /** @type {any[]} */
  const refused = [];
  outbox.addEventListener("refused", (event) => refused.push(/** @type {CustomEvent} */ (event).detail.entry.body.score));
  server.answer = ({ body }) => (body.score === 1 ? server.refuseWith(409, "id_conflict") : {});
  for (const score of [1, 2]) await outbox.add(answer("trust", score, { position: score }));
  await outbox.settle();
  await outbox.settle();
  assert.deepEqual(arrived(), [1, 2], "not tried again in this sitting");
  assert.deepEqual(refused, [1]);
  assert.equal(outbox.entries[0].refused, "Refused: id_conflict.");
  assert.deepEqual(onDisk().map(({ body }) => body.score), [1]);
  assert.deepEqual(outbox.pending(1).answers, {}, "it is not shown as an answer given");

  server.answer = () => ({});
  onDisk()[0].refused = "Refused: id_conflict."; // as where the rows were written again
  await sit();
  await outbox.settle();
  assert.deepEqual(onDisk(), [], "another sitting tries it again");
});

test("a field that the server does not know is a refusal like any other", async () => {
  server.answer = () => server.refuseWith(400, "invalid");
  await outbox.add(measures(10));
  await outbox.settle();
  assert.equal(onDisk().length, 1);
  assert.equal(outbox.stopped, false);
});

test("the reader is told why the first entry was refused, a visit too, and of how many", async () => {
  const [saved, notice] = /** @type {any[]} */ ([{ textContent: "" }, { textContent: "" }]);
  const status = new Status(saved, notice);
  outbox.opening = true;
  server.answer = ({ path }) => (path === "/api/visits/" ? server.refuseWith(400, "unknown_field")
    : server.refuseWith(409, "unknown_visit"));
  await outbox.add({ kind: "visit", key: "opened:v", path: "visits/", position: 1, body: { id: "v" } });
  await outbox.settle();
  status.reflect(outbox);
  assert.equal(notice.textContent, "The server did not take 1 visit: Refused: unknown_field. Please tell the study team.");
  for (const entry of [answer("trust", 1), answer("place", 2), measures(10)]) await outbox.add(entry);
  await outbox.settle();
  status.reflect(outbox);
  assert.match(notice.textContent, /did not take 1 visit and 2 answers: Refused: unknown_field\. Please/);
  assert.deepEqual(onDisk().map(({ method }) => method), ["POST", "PUT", "PUT", "PUT"]);
});

test("a read that stops because its visit was refused says why that was", async () => {
  const room = /** @type {any} */ ({ outbox, state: { reader: "R1" } });
  server.answer = ({ path }) => (path === "/api/visits/" ? server.refuseWith(400, "unknown_field")
    : server.refuseWith(409, "unknown_visit"));
  /** @type {string[][]} */
  const said = [];
  outbox.addEventListener("stopped", (event) => said.push(
    whyItEnds(room, /** @type {CustomEvent} */ (event).detail.problem)));
  await outbox.add({ kind: "visit", key: "opened:v", path: "visits/", position: 1, body: { id: "v" } });
  await outbox.add(answer("trust", 1));
  await outbox.settle();
  assert.match(said.join(), /^Reading stops here,The server did not take 1 visit: Refused: unknown_field\./);
});

test("a read that has ended elsewhere stops the sending, and everything stays on the disk", async () => {
  for (const code of ["read_finished", "stale_read", "study_closed", "wrong_reader"]) {
    disk.rows.clear();
    await sit();
    server.received = [];
    /** @type {string[]} */
    const stopped = [];
    outbox.addEventListener("stopped", (event) => stopped.push(/** @type {CustomEvent} */ (event).detail.problem.code));
    server.answer = () => server.refuseWith(409, code);
    await outbox.add(answer("trust", 1));
    await outbox.add(answer("place", 2));
    await outbox.settle();
    assert.deepEqual(stopped, [code]);
    assert.equal(server.received.length, 1);
    assert.equal(onDisk().length, 2);
  }
});

test("what an earlier sitting left is refused one by one, and reading opens", async () => {
  server.answer = () => server.refuseWith(409, "read_finished");
  outbox.opening = true;
  await outbox.add(answer("trust", 1));
  await outbox.add(answer("place", 2));
  await outbox.settle();
  assert.equal(outbox.stopped, false);
  assert.deepEqual(outbox.entries.map(({ refused }) => refused), Array(2).fill("Refused: read_finished."));
});

test("answers that become final later are kept, not sent, until they are released", async () => {
  await outbox.add(answer("trust", 2, { held: true, id: "a" }));
  await outbox.add(answer("trust", 4, { held: true, id: "b" }));
  await outbox.settle();
  assert.deepEqual(arrived(), []);
  assert.deepEqual(onDisk().map(({ body }) => body.score), [4], "the later choice replaces the earlier one");
  await outbox.release(1);
  await outbox.settle();
  assert.deepEqual(scores(), [4]);
});

test("measures that change while they are being sent are sent again, not lost", async () => {
  let open = () => {};
  const gate = new Promise((resolve) => { open = () => resolve(undefined); });
  server.answer = ({ body }) => (body.visible_ms === 10 ? { after: gate } : {});
  await outbox.add(measures(10));
  while (!server.received.length) await new Promise((resolve) => { setTimeout(resolve, 5); });
  await outbox.add(measures(20));
  await outbox.add(measures(30));
  open();
  await outbox.settle();
  assert.deepEqual(arrived(), [10, 30]);
  assert.deepEqual(onDisk(), []);
});

test("another reader's rows are left alone, and a row that cannot be sent is set aside as it is", async () => {
  const row = (seq, owner = OWNER) => ({ ...answer("trust", seq), method: "PUT", owner, seq });
  const others = row(1, "/api/reading/chest/ R2");
  const spoilt = { ...row(2), path: "http://elsewhere/" };
  disk.rows = new Map([[1, others], [2, spoilt], [3, row(3)]]);
  await sit();
  await outbox.settle();
  assert.deepEqual(scores(), [3]);
  assert.deepEqual(outbox.aside, ["no address"]);
  assert.deepEqual(onDisk(), [others, spoilt]);
});

test("a disk that takes nothing is said at once, and nothing is shown as kept", async () => {
  disk.broken = true;
  await assert.rejects(outbox.add(answer("trust", 1)), /disk is full/);
  assert.deepEqual(outbox.entries, []);
  disk.broken = false;
  await outbox.add(answer("trust", 1));
  await outbox.settle();
  assert.deepEqual(scores(), [1]);
});

test("a page that is closed sends the visit and of each question the oldest answer, and keeps all copies", async () => {
  await server.stop();
  for (const entry of [answer("trust", 1), answer("trust", 5), answer("place", 2), answer("mark", 3, { held: true })]) {
    await outbox.add(entry);
  }
  await outbox.settle();
  await server.start();
  outbox.lastWords({ path: "visits/", body: { visible_ms: 7 } });
  while (server.stored.size < 3) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(scores().sort(), [1, 2, 7]);
  assert.equal(onDisk().length, 4);
});
