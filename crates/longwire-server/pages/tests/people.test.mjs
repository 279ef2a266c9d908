import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answered, CROWD, gone, heard, isCrowd, listed, MOST_PEOPLE, NOBODY } from '../people.js';

const ada = { id: 'a', name: 'Ada' };
const bob = { id: 'b', name: 'Bob' };

test('who is heard is on the list, once, by the last name', () => {
  const people = heard(heard(heard(NOBODY, bob, 1), ada, 2), { ...bob, name: 'Bobby' }, 3);
  assert.deepEqual(listed(people).map(({ name }) => name), ['Ada', 'Bobby']);
});

test('who says bye is off it', () => {
  const people = heard(heard(NOBODY, ada, 1), bob, 1);
  assert.deepEqual(listed(gone(people, 'a')), [bob]);
  assert.equal(gone(people, 'nobody'), people);
});

test('who does not answer a roll call is off it', () => {
  const people = heard(heard(NOBODY, ada, 10), bob, 20);
  assert.deepEqual(listed(answered(people, 20)), [bob]);
});

test('a crowd does not answer, and is kept', () => {
  let people = NOBODY;
  for (let i = 0; i <= CROWD; i += 1) people = heard(people, { id: `p${i}`, name: 'x' }, 1);
  assert.ok(isCrowd(people));
  assert.equal(answered(people, 2).size, CROWD + 1);
});

test('strangers cannot make the list grow without end', () => {
  let people = NOBODY;
  for (let i = 0; i < MOST_PEOPLE + 5; i += 1) people = heard(people, { id: `p${i}`, name: 'x' }, 1);
  assert.equal(people.size, MOST_PEOPLE);
  assert.equal(heard(people, { id: 'p0', name: 'known' }, 2).get('p0')?.person.name, 'known');
});
