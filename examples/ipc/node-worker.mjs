// The worker's side of `node.mjs`.
import cluster from 'node:cluster';
import { readSync } from 'node:fs';

const questions = [];
let numbers = 0;

// ANCHOR: work
const answer = {
  say: (text) => process.send({ heard: text }),
  multiply({ question, a, b }) {
    questions.unshift({ product: { question, product: a * b } });
    // The later question is answered first.
    if (questions.length === 2) for (const product of questions) process.send(product);
  },
  greet(_, connection) {
    connection.end(`hello from worker ${cluster.worker.id}`, () => process.send('greeted'));
  },
  count: (text) => process.send({ counted: text.length }),
  nap() {
    process.send('napping');
    // It hears nothing but its standard input, or the end of the primary.
    readSync(0, Buffer.alloc(1));
  },
  number([number]) {
    if (number === numbers) numbers++;
  },
  last: () => process.send({ read: numbers }),
};
process.on('message', (message, handle) => {
  const [kind, content] = typeof message === 'string' ? [message] : Object.entries(message)[0];
  answer[kind](content, handle);
});
process.send('ready');
// ANCHOR_END: work
