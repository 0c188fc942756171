// Lets a soljson (the Solidity compiler as JavaScript and WebAssembly) answer as the native program does, for
// tools that only know the native one: `node solc.js PATH/soljson.js --version | --standard-json [FILE]`.
"use strict";

const fs = require("fs");
const path = require("path");

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

// Pointers are little-endian 32-bit numbers; the heap is asked for anew because it may have grown.
function writePointer(compiler, place, pointer) {
  const heap = compiler.HEAPU8;
  new DataView(heap.buffer, heap.byteOffset).setUint32(place, pointer, true);
}

function optionValues(args, name) {
  const values = [];
  args.forEach((arg, index) => {
    if (arg === name && index + 1 < args.length) values.push(args[index + 1]);
    else if (arg.startsWith(`${name}=`)) values.push(arg.slice(name.length + 1));
  });
  return values;
}

// Where an import or a `urls` source may be read from: as the native compiler, the base and include paths, then
// only inside those and what --allow-paths names.
function sourceReader(args) {
  const roots = [...optionValues(args, "--base-path").slice(-1), ...optionValues(args, "--include-path")];
  if (roots.length === 0) roots.push("");
  const more = optionValues(args, "--allow-paths").flatMap((value) => value.split(",")).filter(Boolean);
  const allowed = [...roots, ...more].map((folder) => real(folder || "."));
  return (name) => {
    for (const root of roots) {
      const file = real(path.resolve(root || ".", name.replace(/^file:\/\//, "")));
      if (file === null) continue;
      if (!allowed.some((folder) => folder !== null && inside(file, folder))) {
        throw new Error("File outside of allowed directories.");
      }
      return fs.readFileSync(file);
    }
    throw new Error("File not found.");
  };
}

function real(file) {
  try {
    return fs.realpathSync(file);
  } catch {
    return null;
  }
}

function inside(file, folder) {
  const relative = path.relative(folder, file);
  return relative === "" || !(relative.startsWith("..") || path.isAbsolute(relative));
}

// From 0.6.0 on the callback gets a context and the kind of request before the path.
function addReader(compiler, read, withContext) {
  const answer = (name, contents, error) => {
    try {
      writePointer(compiler, contents, writeString(compiler, read(readString(compiler, name).toString())));
    } catch (problem) {
      writePointer(compiler, error, writeString(compiler, Buffer.from(problem.message)));
    }
  };
  const add = compiler.addFunction || compiler.Runtime.addFunction;
  return withContext
    ? add((context, kind, name, contents, error) => answer(name, contents, error), "viiiii")
    : add(answer, "viii");
}

// The entry changed its name in 0.5.0 and got a context argument in 0.6.0.
function compile(compiler, input, args) {
  const entry = compiler._solidity_compile || compiler._compileStandard;
  if (!entry) fail(EXIT_USAGE, "chainops solc: this release has no standard JSON interface");
  const [, major, minor] = version(compiler).match(/^(\d+)\.(\d+)\./).map(Number);
  const withContext = major > 0 || minor >= 6;
  const reader = addReader(compiler, sourceReader(args), withContext);
  const source = writeString(compiler, input);
  return readString(compiler, withContext ? entry(source, reader, 0) : entry(source, reader));
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
  const output = compile(compiler, fs.readFileSync(file && !file.startsWith("-") ? file : 0), args);
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
