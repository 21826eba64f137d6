import type { RecordKind } from "../core/event.ts";
import type { RangeReason } from "./append-batch.ts";
import type { RecordForm, RecordState, RecordTrust } from "./record.ts";

/** A closed set of words as small integers, the way they stand in the file. */
export interface WordCode<Word extends string> {
  encode(word: Word): number;
  /** Undefined for a number that stands for no word: the file is damaged or from a later version. */
  decode(code: number): Word | undefined;
}

// The position is the stored number: words are only ever added at the end.
function wordCode<Word extends string>(words: readonly Word[]): WordCode<Word> {
  const codes = new Map(words.map((word, code) => [word, code]));
  return {
    encode: (word) => codes.get(word) as number,
    decode: (code) => words[code],
  };
}

export const kindCode = wordCode<RecordKind>(["flow", "process", "device", "batch", "loss", "parked"]);
export const formCode = wordCode<RecordForm>(["leaf", "universal", "envelope"]);
export const trustCode = wordCode<RecordTrust>(["verified", "signed_legacy", "unsigned"]);
export const stateCode = wordCode<RecordState>(["pending", "settled", "parked"]);
export const reasonCode = wordCode<RangeReason>(["missing", "settled", "shed", "burnt", "declared", "forked"]);
