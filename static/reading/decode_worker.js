/** Decodes files beside the page, so that a large radiograph never holds up a key or the animation. See decoder.js. */
import { decodeImage, decodeLayer, decodeStrip, pyramid } from "./pixels.js";

/** By the name that decoder.js gives what is made. */
const WORK = {
  image: async (/** @type {Blob} */ blob, /** @type {{bits: number, width: number, height: number}} */ facts) => (
    pyramid(await decodeImage(blob, facts))),
  layer: decodeLayer,
  strip: decodeStrip,
};

addEventListener("message", async ({ data: { number, as, blob, facts } }) => {
  try {
    const made = await WORK[/** @type {keyof typeof WORK} */ (as)](blob, facts);
    const arrays = [made].flat().map((one) => ("rgba" in one ? one.rgba : one.samples).buffer);
    postMessage({ number, made }, { transfer: arrays }); // handed over, not copied
  } catch (error) {
    postMessage({ number, problem: /** @type {Error} */ (error).message });
  }
});
