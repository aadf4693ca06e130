/** What is taken as an answer, and which question comes next. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { isOpen } from "../../static/reading/given.js";
import { isNamed, nextQuestion, scoreOfDigit, scoreText } from "../../static/reading/questions.js";
import { scoreOfText } from "../../static/reading/slider.js";

test("a digit is a score of the scale or nothing", () => {
  const likert = { minimum: 1, maximum: 5 };
  assert.deepEqual([0, 1, 5, 6, 9].map((digit) => scoreOfDigit(digit, likert)), [null, 1, 5, null, null]);
  assert.equal(scoreOfDigit(0, { minimum: 0, maximum: 10 }), 0);
  assert.equal(scoreOfDigit(0, { minimum: 1, maximum: 10 }), 10);
  assert.equal(scoreOfDigit(0, { minimum: 1, maximum: 9 }), null);
  assert.equal(scoreOfDigit(1, { minimum: 2, maximum: 10 }), null);
});

test("yes and no stand in their buttons; other scales keep their numbers and words at the ends", () => {
  const yesNo = { minimum: 1, maximum: 2, low_label: "no", high_label: "yes" };
  assert.equal(isNamed(yesNo), true);
  assert.deepEqual([1, 2].map((score) => scoreText(yesNo, score)), ["1 no", "2 yes"]);
  assert.equal(scoreText({ ...yesNo, maximum: 5 }, 2), "2");
  assert.deepEqual([1, 2, 3].map((digit) => scoreOfDigit(digit, yesNo)), [1, 2, null]);
  const others = [{ maximum: 5 }, { low_label: "" }, { high_label: "more than anything else" }];
  assert.deepEqual(others.map((other) => isNamed({ ...yesNo, ...other })), [false, false, false]);
});

test("what is typed is a whole number on the scale or nothing", () => {
  const scale = { minimum: -5, maximum: 100 };
  assert.deepEqual(["7", " 7 ", "-5", "100", "007"].map((text) => scoreOfText(text, scale)), [7, 7, -5, 100, 7]);
  for (const text of ["", " ", "-", "-6", "101", "3.5", "3,5", "1e1", "0x10", "7 8", "Infinity", "٣"]) {
    assert.equal(scoreOfText(text, scale), null, text);
  }
});

test("an answer goes on to the next open question, also before it, and after the last to none", () => {
  assert.equal(nextQuestion([4, null, null], 0, false), 1);
  assert.equal(nextQuestion([null, null, 4], 2, false), 0);
  assert.equal(nextQuestion([4, 4, null], 0, false), 2);
  assert.equal(nextQuestion([4, 4, 4], 0, false), -1);
  assert.equal(nextQuestion([0, null], 0, false), 1, "a score of 0 is an answer");
});

test("answered questions are gone through once, and never past the last", () => {
  assert.equal(nextQuestion([4, 4, 4], 0, true), 1);
  assert.equal(nextQuestion([4, 4, 4], 2, true), -1);
  assert.equal(nextQuestion([4, 4, null], 0, true), 2);
});

test("an example is open while a question that its method asks has no answer", () => {
  const questions = /** @type {any} */ ([{ key: "trust" }, { key: "place" }]);
  const given = (answers, notAsked = []) => isOpen({ position: 1, answers, not_asked: notAsked }, questions);
  assert.equal(given({ trust: 0, place: 1 }), false);
  assert.equal(given({ trust: 1 }), true);
  assert.equal(given({ trust: 1 }, ["place"]), false);
});
