/** Mail over SMTP. The server that was configured is the only one that is spoken to. */
import { createTransport } from "nodemailer";
import type { Messenger } from "#ports/messenger.ts";
import { notifyLimits } from "./limits.ts";

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte; `starttls` or nothing is sent; `none` only where the network is ours. */
  readonly security: "tls" | "starttls" | "none";
  readonly user: string | null;
  readonly password: string | null;
  readonly from: string;
}

export function mailMessenger(settings: MailSettings): Messenger {
  const { host, port, security, user, password, from } = settings;
  const transport = createTransport({
    host,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(user === null ? {} : { auth: { user, pass: password ?? "" } }),
    connectionTimeout: notifyLimits.answerWithinMs,
    greetingTimeout: notifyLimits.answerWithinMs,
    socketTimeout: notifyLimits.answerWithinMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.split("@").at(-1)?.replace(/>$/, "") ?? "localhost";
  return {
    way: "mail",
    async send({ id, to, subject, text }) {
      try {
        const sent = await transport.sendMail({
          from,
          to,
          subject,
          text,
          // The same for every attempt: a mailbox shows it once.
          messageId: `<${id}@${domain}>`,
          headers: { "Auto-Submitted": "auto-generated" },
        });
        const receipt = sent.response.slice(0, 64);
        return { outcome: "delivered", reason: "", receipt };
      } catch (error) {
        return { ...verdictOf(error), receipt: null };
      }
    },
  };
}

/** 5xx to this recipient is for good; all else may pass. Texts of servers name addresses: only codes are kept. */
function verdictOf(error: unknown) {
  const { responseCode, code, command } = error as {
    readonly responseCode?: unknown;
    readonly code?: unknown;
    readonly command?: unknown;
  };
  const status = typeof responseCode === "number" ? responseCode : null;
  const reason = status === null ? (typeof code === "string" ? code : "FAILED") : `SMTP_${status}`;
  const isForGood = status !== null && status >= 500 && command === "RCPT TO";
  return { outcome: isForGood ? ("refused" as const) : ("failed" as const), reason };
}
