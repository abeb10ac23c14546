/** The two providers' signatures against the worked examples of their public documentation. */
import { expect, test } from "vitest";
import { aliyunHeaders, canonicalQuery } from "#notify/aliyunSms.ts";
import { tencentAuthorization } from "#notify/tencentSms.ts";

test("Aliyun, V3: the example with fixed values", () => {
  const query = canonicalQuery({
    ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    RegionId: "cn-shanghai",
  });
  const headers = aliyunHeaders(
    { accessKeyId: "YourAccessKeyId", secret: "YourAccessKeySecret" },
    {
      host: "ecs.cn-shanghai.aliyuncs.com",
      action: "RunInstances",
      version: "2014-05-26",
      query,
      date: "2023-10-26T10:22:32Z",
      nonce: "3156853299f313e23d1673dc12e1703d",
    },
  );
  expect(headers["authorization"]).toBe(
    "ACS3-HMAC-SHA256 Credential=YourAccessKeyId," +
      "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
      "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
  );
});

test("Aliyun: what a query must escape", () => {
  expect(canonicalQuery({ b: "a b*(c)~", a: "阿里" })).toBe(
    "a=%E9%98%BF%E9%87%8C&b=a%20b%2A%28c%29~",
  );
});

test("Tencent, TC3: the example of the documentation", () => {
  const body =
    '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}';
  const authorization = tencentAuthorization(
    {
      secretId: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
      secret: "Gu5t9xGARNpq86cd98joQYCN3*******",
    },
    { service: "cvm", host: "cvm.tencentcloudapi.com", body, atMs: 1_551_113_065_000 },
  );
  expect(authorization).toBe(
    "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******/2019-02-25/cvm/tc3_request, " +
      "SignedHeaders=content-type;host, " +
      "Signature=2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c",
  );
});
