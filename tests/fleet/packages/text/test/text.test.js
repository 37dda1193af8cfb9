const assert = require('node:assert/strict')
const { test } = require('node:test')

const { WordCounter, countWords, slug } = require('..')

test('slug keeps letters and digits', () => {
  assert.equal(slug('Hello, World! 2nd edition'), 'hello-world-2nd-edition')
  assert.equal(slug('?!'), '')
})

test('WordCounter adds texts up and ranks words', () => {
  const counter = new WordCounter()
  counter.add('the cat and the hat')
  counter.add('The end')
  assert.equal(counter.total, 7)
  assert.deepEqual(counter.top(2), [
    { word: 'the', count: 3 },
    { word: 'and', count: 1 },
  ])
})

test('countWords reads a buffer on the thread pool', async () => {
  assert.equal(await countWords(Buffer.from('eins zwei drei vier')), 4)
})

test('countWords rejects what is not text', async () => {
  await assert.rejects(countWords(Buffer.from([0xff, 0xfe])), /not UTF-8/)
})
