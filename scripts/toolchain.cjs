'use strict';
// What building the addon needs from the machine: a compiler, Python for gyp, Node's headers.
// Node's headers come from the running Node or, failing that, from npm; never from a download site.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const APT_PACKAGES = 'g++ make python3';

/** The commands of `names` that no PATH entry holds. */
function missingCommands(names) {
	const folders = (process.env.PATH || '').split(path.delimiter).filter(Boolean);
	return names.filter((name) => {
		const candidates = name.includes('/') ? [name] : folders.map((f) => path.join(f, name));
		return !candidates.some(isExecutable);
	});
}

function isExecutable(file) {
	try {
		fs.accessSync(file, fs.constants.X_OK);
		return fs.statSync(file).isFile();
	} catch {
		return false;
	}
}

/** What node-gyp will run, as far as the environment names it: the commands that are not there. */
function missingTools() {
	const compiler = (process.env.CXX || 'g++').split(' ')[0];
	const python = process.env.npm_config_python || process.env.PYTHON || 'python3';
	return missingCommands([compiler, process.env.MAKE || 'make', python]);
}

/** True when `prefix/include/node` holds the headers of this Node's major version. */
function hasHeaders(prefix) {
	try {
		const text = fs.readFileSync(path.join(prefix, 'include/node/node_version.h'), 'utf8');
		const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(text);
		return major !== null && major[1] === process.versions.node.split('.')[0];
	} catch {
		return false;
	}
}

/** Unpacks the headers that npm's package of this very Node carries below `cache`. */
function headersFromNpm(cache) {
	const version = process.versions.node;
	const target = path.join(cache, `node-${version}`);
	if (hasHeaders(target)) return target;
	const arch = process.arch === 'arm64' ? 'arm64' : 'x64'; // the headers are the same for all
	const scratch = `${target}.${process.pid}`;
	fs.mkdirSync(scratch, { recursive: true });
	try {
		const pack = ['pack', '--silent', '--pack-destination', scratch, `node-linux-${arch}@${version}`];
		execFileSync('npm', pack, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
		const archive = fs.readdirSync(scratch).find((name) => name.endsWith('.tgz'));
		const unpack = ['-xzf', archive, '--strip-components=1', 'package/include'];
		execFileSync('tar', unpack, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
		fs.rmSync(path.join(scratch, archive));
		fs.rmSync(target, { recursive: true, force: true });
		fs.renameSync(scratch, target);
	} finally {
		fs.rmSync(scratch, { recursive: true, force: true });
	}
	return target;
}

/** The folder for node-gyp's --nodedir. Throws when there is none and npm can't give one. */
function findNodeDir(root) {
	const running = path.dirname(path.dirname(process.execPath));
	const candidates = [process.env.npm_config_nodedir, running];
	const found = candidates.find((prefix) => prefix && hasHeaders(prefix));
	return found || headersFromNpm(path.join(root, 'build-headers'));
}

/** node-gyp's entry: ours in a checkout, else the one that npm brings along. */
function findNodeGyp() {
	const npm = process.env.npm_execpath ? [path.dirname(process.env.npm_execpath)] : [];
	const beside = path.join(path.dirname(process.execPath), '../lib/node_modules/npm');
	for (const from of [__dirname, ...npm, beside]) {
		try {
			return require.resolve('node-gyp/bin/node-gyp.js', { paths: [from] });
		} catch {}
	}
	return undefined;
}

/** Environment for a command that ends in node-gyp. */
function buildEnvironment(root) {
	return { ...process.env, npm_config_nodedir: findNodeDir(root), JOBS: process.env.JOBS || 'max' };
}

function run(command, args, options) {
	const result = spawnSync(command, args, { stdio: 'inherit', ...options });
	if (result.error) throw result.error;
	return result.status === null ? 1 : result.status;
}

module.exports = { APT_PACKAGES, buildEnvironment, findNodeGyp, missingCommands, missingTools, run };
