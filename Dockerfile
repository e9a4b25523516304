# One image for both processes: `node src/server.ts` (api) and `node src/worker.ts` (worker).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /headgate
COPY package.json package-lock.json ./
# Install scripts serve the embedded Postgres and the pinned Node of `npm start`, which do not run here.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /headgate
COPY --from=dependencies /headgate/node_modules ./node_modules
COPY package.json ./
COPY src ./src
USER node
EXPOSE 8080 9464
CMD ["node", "src/server.ts"]
