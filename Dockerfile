# The program runs as it is: no build step, only its production dependencies.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages bring Node itself, which the image has.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY profiles profiles
COPY protocols protocols
COPY simulators simulators
COPY src src
# A new named volume takes its owner from here.
RUN install -d -o 10001 -g 10001 /var/lib/mercaptan
USER 10001:10001
EXPOSE 8080 1883
CMD ["node", "src/main.ts", "serve"]
