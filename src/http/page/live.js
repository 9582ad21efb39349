// Live events with a memory: whoever loses the line goes on exactly where it was, also with the server's next life.

import { BASE, on, serverIsAway } from "./api.js";

const lines = new Set();
on("back", () => lines.forEach((line) => line.open()));

/**
 * Watches one update from its beginning, or, without an id, all from now on. `event` is called with each entry of the journal
 * once and in order, `progress` now and then, `over` after the last one. Returns what ends it.
 */
export function watch(id, { event, progress = () => {}, over = () => {} }) {
  let source = null;
  let after = id ? 0 : null;

  const line = {
    open() {
      source?.close();
      const from = after === null ? "" : `?after=${after}`;
      source = new EventSource(id ? `${BASE}/updates/${encodeURIComponent(id)}/events${from}` : `${BASE}/updates/events${from}`);
      source.onmessage = ({ data }) => {
        const told = JSON.parse(data);
        if (told.kind === "progress") return progress(told);
        if (after !== null && told.seq <= after) return;
        after = told.seq;
        event(told);
        if (id && told.kind === "finished") {
          end();
          over();
        }
      };
      source.onerror = () => {
        // Closed for good when everything was seen (204), or the session has ended; what asks next will say which.
        const isRefused = source.readyState === EventSource.CLOSED;
        source.close();
        if (isRefused) over();
        else serverIsAway();
      };
    },
  };

  function end() {
    lines.delete(line);
    source?.close();
  }

  lines.add(line);
  line.open();
  return end;
}
