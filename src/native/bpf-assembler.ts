import { AmoskysError } from "../core/errors.ts";
import {
  atomics,
  BPF_K,
  BPF_PSEUDO_MAP_FD,
  BPF_X,
  type BpfComparison,
  type BpfHelper,
  type BpfOperation,
  type BpfRegister,
  type BpfSize,
  classes,
  helpers,
  instructionBytes,
  jumps,
  modes,
  operations,
  registers,
  sizes,
} from "./bpf-instructions.ts";

interface Instruction {
  readonly opcode: number;
  readonly target: number;
  readonly source: number;
  offset: number;
  readonly immediate: number;
}

/** A register, or a number of 32 bits that is extended by its sign. */
type Operand = BpfRegister | number;

/** Writes an eBPF program, one instruction a call, in the order of execution. Jumps go to labels, by name. */
export class BpfAssembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly at: number; readonly label: string }[] = [];
  #unique = 0;

  /** `target = operand` */
  move(target: BpfRegister, operand: Operand): this {
    return this.compute("move", target, operand);
  }

  /** `target = target OPERATION operand`, in 64 bits */
  compute(operation: BpfOperation, target: BpfRegister, operand: Operand): this {
    return this.#withOperand(classes.BPF_ALU64 | operations[operation], target, operand);
  }

  /** `target = *(base + offset)`, that many bytes, extended by zeros */
  load(target: BpfRegister, base: BpfRegister, offset: number, bytes: BpfSize): this {
    return this.#add(classes.BPF_LDX | modes.BPF_MEM | sizes[bytes], registers[target], registers[base], offset);
  }

  /** `*(base + offset) = operand` */
  store(base: BpfRegister, offset: number, operand: Operand, bytes: BpfSize): this {
    const size = modes.BPF_MEM | sizes[bytes];
    if (typeof operand === "number") return this.#add(classes.BPF_ST | size, registers[base], 0, offset, operand);
    return this.#add(classes.BPF_STX | size, registers[base], registers[operand], offset);
  }

  /** `*(base + offset) += addend`, 64 bits at once for all processors */
  atomicAdd(base: BpfRegister, offset: number, addend: BpfRegister): this {
    const opcode = classes.BPF_STX | modes.BPF_ATOMIC | sizes[8];
    return this.#add(opcode, registers[base], registers[addend], offset, atomics.add);
  }

  /** `if (*(base + offset) == R0) *(base + offset) = value`, 64 bits at once; R0 becomes what was there before */
  compareExchange(base: BpfRegister, offset: number, value: BpfRegister): this {
    const opcode = classes.BPF_STX | modes.BPF_ATOMIC | sizes[8];
    return this.#add(opcode, registers[base], registers[value], offset, atomics.compareExchange);
  }

  /** `target = the map` of that descriptor */
  loadMap(target: BpfRegister, map: { readonly fd: number }): this {
    this.#add(classes.BPF_LD | modes.BPF_IMM | sizes[8], registers[target], BPF_PSEUDO_MAP_FD, 0, map.fd);
    return this.#add(0, 0, 0, 0, 0);
  }

  /** `target = base + offset`, an address */
  address(target: BpfRegister, base: BpfRegister, offset: number): this {
    return this.move(target, base).compute("add", target, offset);
  }

  /** `R0 = helper(R1, ..., R5)`; R1 to R5 are gone afterwards */
  call(helper: BpfHelper): this {
    return this.#add(classes.BPF_JMP | jumps.call, 0, 0, 0, helpers[helper]);
  }

  jump(label: string): this {
    this.#jumps.push({ at: this.#instructions.length, label });
    return this.#add(classes.BPF_JMP | jumps.always, 0, 0);
  }

  /** Jumps if `left COMPARISON right` */
  jumpIf(left: BpfRegister, comparison: BpfComparison, right: Operand, label: string): this {
    this.#jumps.push({ at: this.#instructions.length, label });
    return this.#withOperand(classes.BPF_JMP | jumps[comparison], left, right);
  }

  /** Names the place of the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new AmoskysError("internal", `The label "${name}" is there twice`);
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** A label that nobody else has, for pieces that are written several times. */
  freshLabel(meaning: string): string {
    this.#unique += 1;
    return `${meaning} ${this.#unique}`;
  }

  /** Ends the program with R0. */
  exit(): this {
    return this.#add(classes.BPF_JMP | jumps.exit, 0, 0);
  }

  /** The program as the kernel takes it: `struct bpf_insn` in a row. */
  assemble(): Uint8Array {
    for (const { at, label } of this.#jumps) {
      const place = this.#labels.get(label);
      if (place === undefined) throw new AmoskysError("internal", `There is no label "${label}"`);
      (this.#instructions[at] as Instruction).offset = place - at - 1;
    }
    const code = new DataView(new ArrayBuffer(this.#instructions.length * instructionBytes));
    for (const [i, { opcode, target, source, offset, immediate }] of this.#instructions.entries()) {
      const at = i * instructionBytes;
      code.setUint8(at, opcode);
      code.setUint8(at + 1, (source << 4) | target);
      code.setInt16(at + 2, offset, true);
      code.setInt32(at + 4, immediate, true);
    }
    return new Uint8Array(code.buffer);
  }

  #withOperand(opcode: number, target: BpfRegister, operand: Operand): this {
    if (typeof operand === "number") return this.#add(opcode | BPF_K, registers[target], 0, 0, operand);
    return this.#add(opcode | BPF_X, registers[target], registers[operand]);
  }

  #add(opcode: number, target: number, source: number, offset = 0, immediate = 0): this {
    this.#instructions.push({ opcode, target, source, offset, immediate });
    return this;
  }
}
