/** What may be called: a table of addresses, and a name that changes its mind between two look-ups. */
import { createServer } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { isPublicAddress, publicLookup, urlFault } from "#notify/addresses.ts";
import { openPoster } from "#notify/post.ts";

test.each([
  ["8.8.8.8", true],
  ["2600:1f18::1", true],
  ["0.0.0.0", false],
  ["10.1.2.3", false],
  ["100.64.0.1", false],
  ["127.0.0.1", false],
  ["127.255.255.254", false],
  ["169.254.169.254", false],
  ["172.16.0.1", false],
  ["172.32.0.1", true],
  ["192.168.1.1", false],
  ["198.19.0.1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["::1", false],
  ["::ffff:127.0.0.1", false],
  ["::ffff:8.8.8.8", false],
  ["64:ff9b::7f00:1", false],
  ["fe80::1", false],
  ["fc00::1", false],
  ["fd12::1", false],
  ["ff02::1", false],
  ["2001::1", false],
  ["2001:db8::1", false],
  ["2002:7f00:1::", false],
  ["not an address", false],
])("%s: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

test.each([
  ["https://example.com/hook?x=1", null],
  ["https://dispatch.internal/hook", null],
  ["http://dispatch.internal:8081/hook", null],
  ["http://example.com/", "must begin with https://, unless the settings allow the host"],
  ["https://127.1/", "the address is not public"],
  ["https://0x7f000001/", "the address is not public"],
  ["https://[fe80::1]/", "the address is not public"],
  ["https://a:b@example.com/", "must not hold a user name or password"],
  ["file:///etc/passwd", "must begin with https://"],
  ["https://", "not an address"],
])("%s: %s", (url, fault) => {
  expect(urlFault(url, ["dispatch.internal"])).toBe(fault);
});

/** A name server that answers differently each time. */
function nameServer(...answers: readonly string[]): {
  readonly lookup: LookupFunction;
  asked: number;
} {
  const state = {
    asked: 0,
    lookup: publicLookup((_host, _options, done) => {
      const address = answers[Math.min(state.asked, answers.length - 1)] ?? "";
      state.asked += 1;
      done(null, [{ address, family: 4 }]);
    }),
  };
  return state;
}

test("a name that leads inside at the moment of the call is not called, though it led outside before", async () => {
  let calls = 0;
  const inside = createServer((_request, response) => {
    calls += 1;
    response.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void inside.close());
  const { port } = inside.address() as AddressInfo;
  const server = nameServer("127.0.0.1");
  const poster = openPoster([], server.lookup);
  onTestFinished(() => poster.close());
  const call = {
    url: `https://rebinding.example:${port}/`,
    headers: {},
    body: "{}",
    stopping: new AbortController().signal,
    timeoutMs: 2_000,
  };
  expect(await poster.post(call)).toMatchObject({ status: null, reason: "ADDRESS_REFUSED" });
  expect(server.asked).toBe(1);
  expect(calls).toBe(0);
  const literal = { ...call, url: `https://127.0.0.1:${port}/` };
  expect(await poster.post(literal)).toMatchObject({ status: null, reason: "ADDRESS_REFUSED" });
  const plain = { ...call, url: `http://rebinding.example:${port}/` };
  expect(await poster.post(plain)).toMatchObject({ status: null, reason: "ADDRESS_REFUSED" });
});

test("one private address among public ones is refused as a whole", async () => {
  const lookup = publicLookup((_host, _options, done) =>
    done(null, [
      { address: "8.8.8.8", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ]),
  );
  const error = await new Promise((resolve) =>
    lookup("mixed.example", { all: true }, (problem) => resolve(problem)),
  );
  expect(error).toMatchObject({ code: "ADDRESS_REFUSED" });
});
