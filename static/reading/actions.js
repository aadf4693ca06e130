/** Viewer actions by name, for keys and buttons alike. */

const ZOOM = 1.25;
const PAN = 0.1; // of a panel
const GREY = 0.05; // of the grey range
const OPACITY = 0.1;

/** @param {import("./viewer.js").Viewer} viewer @returns {Object<string, () => void>} */
export function viewerActions(viewer) {
  return {
    overlay: () => viewer.toggleOverlay(),
    fainter: () => viewer.setOpacity(viewer.state.opacity - OPACITY),
    stronger: () => viewer.setOpacity(viewer.state.opacity + OPACITY),
    enlarge: () => viewer.enlarge(),
    nextPanel: () => viewer.nextPanel(),
    pair: () => viewer.togglePair(),
    nextExplanation: () => viewer.nextExplanation(),
    loupe: () => viewer.toggleLoupe(),
    fold: () => viewer.fold(),
    whole: () => viewer.toggleWhole(),
    play: () => viewer.animate("toggle"),
    speed: () => viewer.animations[0]?.nextSpeed(),
    frameZero: () => viewer.animate("toZero"),
    frameBack: () => viewer.stepBy(-1),
    frameOn: () => viewer.stepBy(1),
    zoomIn: () => viewer.zoomBy(ZOOM),
    zoomOut: () => viewer.zoomBy(1 / ZOOM),
    panLeft: () => viewer.panBy(PAN, 0),
    panRight: () => viewer.panBy(-PAN, 0),
    panUp: () => viewer.panBy(0, PAN),
    panDown: () => viewer.panBy(0, -PAN),
    brighter: () => viewer.windowBy(GREY, 0),
    darker: () => viewer.windowBy(-GREY, 0),
    harder: () => viewer.windowBy(0, -GREY),
    softer: () => viewer.windowBy(0, GREY),
    invert: () => viewer.invert(),
    tool: () => viewer.toggleTool(),
    reset: () => viewer.reset(),
  };
}
