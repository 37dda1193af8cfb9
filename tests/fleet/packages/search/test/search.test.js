const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Finder, count } = require('..')

test('findAll gives every position, overlapping ones too', () => {
  const finder = new Finder('ana')
  assert.deepEqual(finder.findAll('banana bandana'), [1, 3, 11])
  assert.deepEqual(finder.findAll('no match'), [])
  assert.deepEqual(finder.findAll('an'), [])
})

test('bytes and strings are both welcome', () => {
  const finder = new Finder(Uint8Array.of(0xc3, 0xbc))
  assert.equal(finder.occursIn('über'), true)
  assert.equal(finder.occursIn('uber'), false)
})

test('count needs no Finder', () => {
  assert.equal(count('aa', 'aaaa'), 3)
})

test('an empty pattern is refused', () => {
  assert.throws(() => new Finder(''), /the pattern is empty/)
})
