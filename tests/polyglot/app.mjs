// A Node server that was not written for any of this.
import http from 'node:http';

const [way] = process.argv.slice(2);
const server = http.createServer((request, response) => {
  const wait = Number(new URL(request.url, 'http://x').searchParams.get('ms'));
  if (wait) console.log('is at work');
  setTimeout(() => response.end(`${process.pid}\n`), wait);
});
server.listen(process.env.PORT ?? 0);
if (way === 'talks') {
  console.log('a line on stdout');
  console.error('a line on stderr');
  process.send?.({ ready: true });
}
if (way === 'stays') setInterval(() => {}, 1000); // does not end when asked to
