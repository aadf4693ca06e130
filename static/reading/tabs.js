/** One tab reads at a time. A second tab says so and can take over; the ids of answers make any overlap harmless. */

export class Tab {
  /** @param {string} name of the read, the same in every tab @param {() => void} onLost another tab has taken over */
  constructor(name, onLost) {
    this.name = `reading:${name}`;
    this.onLost = onLost;
  }

  /**
   * @param {boolean} takeOver from another tab
   * @returns {Promise<boolean>} false when another tab reads. Plain http has no locks: then it is always true.
   */
  hold(takeOver) {
    if (!navigator.locks) return Promise.resolve(true);
    let held = false;
    return new Promise((resolve) => {
      const options = takeOver ? { steal: true } : { ifAvailable: true };
      navigator.locks.request(this.name, options, (lock) => {
        held = lock !== null;
        resolve(held);
        return lock && new Promise(() => {}); // held until the tab closes
      }).catch(() => {
        if (held) this.onLost();
        else resolve(true); // this browser window has no locks
      });
    });
  }
}
