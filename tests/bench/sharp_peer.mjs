// What a Node user would write: 64 downloads in flight, sharp at quality 50.
//   node sharp_peer.mjs URLS OUTPUT-DIRECTORY
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'index.js'));
const sharp = require('sharp');
const {Agent, request} = require('undici');

const [list, directory] = process.argv.slice(2);
const urls = readFileSync(list, 'utf8').trim().split('\n');
const dispatcher = new Agent({connections: 64});
sharp.cache(false);
sharp.concurrency(1);  // One thread an image; the pool runs several images.

let next = 0;
let failed = 0;
async function work() {
  while (next < urls.length) {
    const n = next++;
    try {
      const answer = await request(urls[n], {dispatcher});
      if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}`);
      const body = Buffer.from(await answer.body.arrayBuffer());
      await sharp(body).jpeg({quality: 50})
          .toFile(path.join(directory, `${String(n).padStart(6, '0')}.jpg`));
    } catch (error) {
      failed++;
      console.error(urls[n], error.message);
    }
  }
}
await Promise.all(Array.from({length: 64}, work));
process.exit(failed === 0 ? 0 : 1);
