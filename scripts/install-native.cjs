'use strict';
// The prebuilt binary where one fits, else a build from source that says in a few lines what it
// lacks. In a checkout, and with --from-source, always the build.

const fs = require('node:fs');
const path = require('node:path');
const toolchain = require('./toolchain.cjs');

const root = path.dirname(__dirname);
const LOG = path.join(root, 'build-native.log');
const SHOWN_ERRORS = 8;

function say(...lines) {
	for (const line of lines) console.error(`event-ports: ${line}`);
}

/** True when the tarball's binary for this machine loads. */
function prebuiltLoads() {
	try {
		require('node-gyp-build')(root);
		return true;
	} catch (error) {
		if (fs.existsSync(path.join(root, 'prebuilds'))) {
			say(`no prebuilt binary fits: ${String(error.message).split('\n')[0]}`);
		}
		return false;
	}
}

/** The lines of a compiler's output that a person needs first. */
function firstErrors(log) {
	const lines = log.split('\n');
	const errors = lines.filter((line) => /\b(fatal )?error\b[: ]|\*\*\* |undefined reference/i.test(line));
	return (errors.length > 0 ? errors : lines.slice(-SHOWN_ERRORS)).slice(0, SHOWN_ERRORS);
}

function buildFromSource(quiet) {
	const missing = toolchain.missingTools();
	if (missing.length > 0) {
		say(
			`the native part has to be compiled here, but ${missing.join(', ')} can't be found.`,
			`Debian, Ubuntu: apt-get install ${toolchain.APT_PACKAGES}`,
		);
		return 1;
	}
	const gyp = toolchain.findNodeGyp();
	if (gyp === undefined) {
		say("the native part has to be compiled here, but node-gyp can't be found.", 'npm install node-gyp');
		return 1;
	}
	let env;
	try {
		env = toolchain.buildEnvironment(root);
	} catch (error) {
		const reason = String(error.stderr || error.message).trim().split('\n')[0];
		say(`the headers of Node ${process.versions.node} are neither beside it nor to be had from npm.`, reason);
		return 1;
	}
	const args = [gyp, 'configure', 'build', '--release'];
	if (!quiet) return toolchain.run(process.execPath, args, { cwd: root, env });

	const log = fs.openSync(LOG, 'w');
	const status = toolchain.run(process.execPath, args, { cwd: root, env, stdio: ['ignore', log, log] });
	fs.closeSync(log);
	if (status !== 0) {
		say('compiling the native part failed:', ...firstErrors(fs.readFileSync(LOG, 'utf8')));
		say(`everything the compiler said: ${LOG}`);
		return 1;
	}
	fs.rmSync(LOG);
	return 0;
}

const forced = process.argv.includes('--from-source');
const fromSource =
	forced || Boolean(process.env.npm_config_build_from_source) ||
	fs.existsSync(path.join(root, 'tsconfig.build.json'));
process.exitCode = !fromSource && prebuiltLoads() ? 0 : buildFromSource(!forced);
