// One event of each kind, on the event loop.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeFd, FILE_MODIFIED, FileObject, pipe, POLLIN, Port, write } from 'event-ports';

const port = new Port();
const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-'));
const name = path.join(folder, 'file');
writeFileSync(name, '');
const file = new FileObject(name);
file.refresh();
port.associateFile(file, FILE_MODIFIED);
const [reader, writer] = pipe();
port.associate(reader, POLLIN);
write(writer, Buffer.from('x'));
writeFileSync(name, 'changed');
const timer = port.after(1);
port.send(1);

const seen = new Set();
for await (const event of port) {
	seen.add(event.source);
	if (seen.size === 4) break;
}
assert.deepEqual([...seen].sort(), ['fd', 'file', 'timer', 'user']);
timer.delete();
port.alert(1);
assert.equal((await port.get()).source, 'alert');
port.close();
closeFd(reader);
closeFd(writer);
rmSync(folder, { recursive: true });
