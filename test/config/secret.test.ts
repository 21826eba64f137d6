import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { formatYaml, maskSecrets, Secret, secretText } from "../../src/config/index.ts";

describe("a secret", () => {
  const secret = new Secret("hunter22");

  test("prints masked everywhere, and is there for who asks", () => {
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      Bun.inspect({ secret }),
      Bun.inspect([secret], { depth: 9 }),
      formatYaml(maskSecrets({ list: [{ secret }] })),
      Object.values(secret).join(),
      Object.getOwnPropertyNames(secret).join(),
    ].join("\n");
    expect(shown).not.toContain("hunter22");
    expect(formatYaml(maskSecrets({ list: [{ secret }] }))).toContain("********");
    expect(secret.reveal()).toBe("hunter22");
  });

  test("its schema takes text, and refuses what was printed in its place", () => {
    const schema = z.strictObject({ password: secretText() });
    expect(schema.parse({ password: "x" }).password.reveal()).toBe("x");
    expect(schema.safeParse({ password: "********" }).error?.issues[0]?.message).toBe(
      "is the mask of a secret, not the secret",
    );
    expect(schema.safeParse({ password: "" }).success).toBe(false);
  });
});
