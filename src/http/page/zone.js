// Clocks of a time zone: what a moment reads there, and which moment a reading is.

export const DAY = 1440;

const formats = new Map();

/** The zone by its name where the browser knows it; none stands for the browser's own clock. */
export function zoneOf(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone && name;
  } catch {
    return undefined;
  }
}

export const ownZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the clock shows there: `{day: "2026-11-22", minutes: 125}`. */
export function readingOf(time, zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", era: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }));
  }
  const part = Object.fromEntries(formats.get(zone).formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  return { day: `${part.year}-${part.month}-${part.day}`, minutes: Number(part.hour) * 60 + Number(part.minute) };
}

/** The day so many days later; days have no zone. */
export function daysLater(day, count) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * 86400000).toISOString().slice(0, 10);
}

/** Monday is 0. */
export const weekdayOf = (day) => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;

/** The first moment that reads so there; of a reading that a change of the clock leaves out, what it becomes. */
export function momentOf(day, minutes, zone) {
  const wanted = Date.parse(`${day}T00:00:00Z`) + minutes * 60000;
  const ahead = (time) => {
    const { day: there, minutes: past } = readingOf(time, zone);
    return Date.parse(`${there}T00:00:00Z`) + past * 60000 - Math.floor(time / 60000) * 60000;
  };
  const [before, after] = [wanted - ahead(wanted - 86400000), wanted - ahead(wanted + 86400000)];
  const reads = (time) => time + ahead(time) === wanted;
  return new Date(!reads(before) && reads(after) ? after : before);
}

/** Stretches of time cut at the midnights of the zone: a map of days, each with its pieces `{from, to, …}` in minutes. */
export function byDay(stretches, zone) {
  const days = new Map();
  for (const stretch of stretches) {
    const end = Date.parse(stretch.until);
    let from = Date.parse(stretch.from);
    while (from < end) {
      const { day, minutes } = readingOf(from, zone);
      const midnight = momentOf(daysLater(day, 1), 0, zone).getTime();
      const until = Math.min(end, midnight);
      const to = until === midnight ? DAY : readingOf(until, zone).minutes;
      if (!days.has(day)) days.set(day, []);
      days.get(day).push({ ...stretch, from: minutes, to });
      from = until;
    }
  }
  return days;
}

const two = (number) => String(number).padStart(2, "0");

/** `02:00`; the end of a day is `24:00`. */
export const hourOf = (minutes) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

/** `Mon, 23 Nov`. */
const NAMED = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
export const nameOf = (day) => NAMED.format(new Date(`${day}T00:00:00Z`));

/** `Mon, 23 Nov, 02:00`, by the clock of the zone. */
export function momentIn(time, zone) {
  const { day, minutes } = readingOf(time, zone);
  return `${nameOf(day)}, ${hourOf(minutes)}`;
}
