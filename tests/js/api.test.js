/** Talking to the server: the in-place log-in. */
import { strict as assert } from "node:assert";
import { test } from "node:test";

import { Api } from "../../static/reading/api.js";
import { openPage, Server } from "./support.js";

openPage();

test("a request that hears of the ended session after the log-in does not ask the reader again", async () => {
  const server = await new Server().start();
  let loggedIn = false;
  let asked = 0;
  /** @type {() => void} */
  let letGo = () => {};
  const held = new Promise((resolve) => { letGo = () => resolve(undefined); });
  server.answer = ({ path }) => {
    if (loggedIn) return { body: { path } };
    return { ...server.refuseWith(401, "login_required"), after: path === "/api/slow/" ? held : undefined };
  };
  const api = new Api(server.base, async () => { asked += 1; loggedIn = true; }, "/session/");
  const slow = api.get("slow/");
  while (!server.received.length) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(await api.get("quick/"), { path: "/api/quick/" });
  letGo();
  assert.deepEqual(await slow, { path: "/api/slow/" });
  assert.equal(asked, 1);
  await server.stop();
});
