// Lets a soljson (the Solidity compiler as JavaScript and WebAssembly) answer as the native program does, for
// tools that only know the native one: `node solc.js PATH/soljson.js --version | --standard-json [FILE]`.
"use strict";

const fs = require("fs");

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;
const EXIT_MEMORY = 70;

function fail(code, message) {
  fs.writeSync(2, `${message}\n`);
  process.exit(code);
}

function describe(error) {
  if (error instanceof Error) return error.stack || error.message;
  return String(error);
}

const MEMORY_SIGNS = /std::bad_alloc|out of memory|OOM|enlarge memory|memory access out of bounds|allocation failed/i;

function failOnThrown(error) {
  const text = describe(error);
  if (typeof error === "number" || MEMORY_SIGNS.test(text)) failOnMemory(text);
  fail(EXIT_ERROR, `chainops solc: the compiler stopped: ${text}`);
}

function failOnMemory(detail) {
  fail(
    EXIT_MEMORY,
    `chainops solc: CHAINOPS_SOLC_OUT_OF_MEMORY std::bad_alloc: soljson reached its memory limit (${detail})`,
  );
}

// A pipe may be non-blocking; what does not fit now is tried again.
function writeAll(buffer) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let done = 0;
  while (done < buffer.length) {
    try {
      done += fs.writeSync(1, buffer, done, buffer.length - done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 2);
    }
  }
}

function readString(compiler, pointer) {
  const heap = compiler.HEAPU8;
  const end = heap.indexOf(0, pointer);
  return Buffer.from(heap.buffer, heap.byteOffset + pointer, end - pointer);
}

// On the heap, where ccall would use the stack: a large project does not fit there.
function writeString(compiler, data) {
  const allocate = compiler._solidity_alloc || compiler._malloc;
  const pointer = allocate(data.length + 1);
  if (!pointer) failOnMemory(`no room for ${data.length} bytes of input`);
  compiler.HEAPU8.set(data, pointer);
  compiler.HEAPU8[pointer + data.length] = 0;
  return pointer;
}

function version(compiler) {
  const get = compiler._solidity_version || compiler._version;
  return readString(compiler, get()).toString();
}

// The entry changed its name in 0.5.0 and got a context argument in 0.6.0; surplus arguments are ignored.
function compile(compiler, input) {
  const entry = compiler._solidity_compile || compiler._compileStandard;
  if (!entry) fail(EXIT_USAGE, "chainops solc: this release has no standard JSON interface");
  return readString(compiler, entry(writeString(compiler, input), 0, 0));
}

// The compiler catches its own exhaustion and reports it as if the project were at fault.
function checkMemory(output) {
  if (!output.includes("std::bad_alloc")) return;
  const errors = JSON.parse(output.toString()).errors || [];
  const fatal = errors.find(
    (e) => e.severity === "error" && /std::bad_alloc/.test(`${e.message} ${e.formattedMessage}`),
  );
  if (fatal) failOnMemory(fatal.type);
}

function main(compiler, args) {
  if (args.includes("--version")) {
    const native = version(compiler).replace(/\.Emscripten.*$/, ".Linux.g++");
    writeAll(Buffer.from(`solc, the solidity compiler commandline interface\nVersion: ${native}\n`));
    return;
  }
  const index = args.indexOf("--standard-json");
  if (index < 0) fail(EXIT_USAGE, "chainops solc: only --version and --standard-json are provided");
  const file = args[index + 1];
  const output = compile(compiler, fs.readFileSync(file && !file.startsWith("-") ? file : 0));
  checkMemory(output);
  writeAll(output);
}

function whenReady(compiler, act) {
  if (compiler._solidity_version || compiler._version) {
    try {
      const ready = compiler.calledRun !== false;
      if (ready) return act();
    } catch (error) {
      return failOnThrown(error);
    }
  }
  compiler.onRuntimeInitialized = () => {
    try {
      act();
    } catch (error) {
      failOnThrown(error);
    }
  };
  return undefined;
}

console.log = console.error; // stdout is the result
try {
  const compiler = require(process.argv[2]);
  whenReady(compiler, () => main(compiler, process.argv.slice(3)));
} catch (error) {
  failOnThrown(error);
}
