/** The ways to people that the settings name. */
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import { aliyunSms } from "#notify/aliyunSms.ts";
import { mailMessenger } from "#notify/mail.ts";
import { openPoster, type Poster } from "#notify/post.ts";
import { tencentSms } from "#notify/tencentSms.ts";
import type { Messenger } from "#ports/messenger.ts";
import type { Rng } from "#ports/rng.ts";

/** Both ways are off until they are configured. */
export function messengersOf(
  { sms, mail }: Config["notify"],
  secrets: Pick<Secrets, "smsSecret" | "mailPassword">,
  rng: Rng,
): readonly Messenger[] {
  const ways: Messenger[] = [];
  if (sms !== undefined) {
    // The address stands in the settings and is the operator's word; nothing else is reached through it.
    const poster = openPoster([new URL(sms.url).hostname]);
    ways.push(smsOf(sms, secrets.smsSecret ?? "", poster, rng));
  }
  if (mail !== undefined) {
    const { user = null, passwordFile: _file, ...server } = mail;
    ways.push(mailMessenger({ ...server, user, password: secrets.mailPassword }));
  }
  return ways;
}

function smsOf(
  sms: NonNullable<Config["notify"]["sms"]>,
  secret: string,
  poster: Poster,
  rng: Rng,
): Messenger {
  const { url, accessKeyId, signName, alarmTemplate, workOrderTemplate, appId, region } = sms;
  const templates = { alarm: alarmTemplate, workOrder: workOrderTemplate };
  const common = { url, secret, signName, templates };
  return sms.provider === "aliyun"
    ? aliyunSms({ ...common, accessKeyId }, poster, () =>
        Buffer.from(rng.bytes(16)).toString("hex"),
      )
    : tencentSms({ ...common, secretId: accessKeyId, sdkAppId: appId, region }, poster);
}
