/**
 * Who seems to be in a room.
 *
 * The server does not say who is connected, so pages tell each other: one that comes says hello, the others
 * answer that they are here, one that goes says bye. A page that vanished says nothing; but a hello is a roll
 * call, and who does not answer it is taken off the list. So the list is what people said, not what the
 * server knows, and it is shown as that.
 */

/** How long after a roll call an answer is still waited for, in milliseconds. */
export const ANSWER_TIME = 8_000;

/** In a room with more people than this, hellos go unanswered: all answers go to all, which grows squared. */
export const CROWD = 40;

/** The most people the list holds: strangers could make up any number. */
export const MOST_PEOPLE = 500;

/**
 * @typedef {import('./messages.js').Person} Person
 * @typedef {{ person: Person, heardAt: number }} Entry
 * @typedef {ReadonlyMap<string, Entry>} People
 */

/** @type {People} */
export const NOBODY = new Map();

/**
 * @param {People} people
 * @param {Person} person
 * @param {number} now
 * @returns {People}
 */
export function heard(people, person, now) {
  if (!people.has(person.id) && people.size >= MOST_PEOPLE) return people;
  return new Map(people).set(person.id, { person, heardAt: now });
}

/**
 * @param {People} people
 * @param {string} id
 * @returns {People}
 */
export function gone(people, id) {
  if (!people.has(id)) return people;
  const rest = new Map(people);
  rest.delete(id);
  return rest;
}

/**
 * Without those who have not been heard since a roll call; all of them in a crowd, where nobody answers.
 * @param {People} people
 * @param {number} calledAt when the roll call was made
 * @returns {People}
 */
export function answered(people, calledAt) {
  if (isCrowd(people)) return people;
  return new Map([...people].filter(([, { heardAt }]) => heardAt >= calledAt));
}

/** @param {People} people */
export function isCrowd(people) {
  return people.size > CROWD;
}

/**
 * In an order that does not jump about.
 * @param {People} people
 * @returns {Person[]}
 */
export function listed(people) {
  return [...people.values()]
    .map(({ person }) => person)
    .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
}
