# The npm scripts under the names that just users expect; package.json says what each does.

# A hub, a reporter and a real llama-server; prints the matrix URL.
start *args:
    npm start -- {{args}}

# The hub alone, under workerd.
hub *args:
    npm run hub -- {{args}}

# Format, lint, types, unused code, bundle size, deployability.
check:
    npm run check

# Every test.
test *args:
    npm test -- {{args}}

# A real llama-server into the project's cache.
llama-install *args:
    npm run llama:install -- {{args}}

# A chat through a hub and a reporter, with no weights; MODE=real takes a real llama.cpp.
runtime-smoke *args:
    npm run runtime-smoke -- {{args}}

# A stub vision runtime under the supervisor, through a forced restore.
runtime-smoke-vision *args:
    npm run runtime-smoke-vision -- {{args}}
