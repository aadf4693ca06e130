/** Decodes files beside the page, so that a large radiograph never holds up a key or the animation. See decoder.js. */
import { decodeImage, decodeLayer, decodeStrip, pyramid } from "./pixels.js";

/** @type {Record<string, (blob: Blob, facts: any) => Promise<any>>} */
const WORK = {
  image: async (blob, facts) => pyramid(await decodeImage(blob, facts)),
  map: decodeLayer,
  animation: decodeStrip,
};

addEventListener("message", async ({ data: { number, kind, blob, facts } }) => {
  try {
    const made = await WORK[kind](blob, facts);
    const arrays = [made].flat().map(({ samples, rgba }) => (samples ?? rgba).buffer);
    postMessage({ number, made }, { transfer: arrays }); // handed over, not copied
  } catch (error) {
    postMessage({ number, problem: /** @type {Error} */ (error).message });
  }
});
