// Calls as programs make them, by the providers' own clients, through the gateway at ENDPOINT. Each is named by the property
// "case", and printed as one line of JSON: what the client made of the answer.
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenerativeAI } from "@google/generative-ai";
import OpenAI from "openai";

const endpoint = process.env.ENDPOINT;
const question = "What is a session? ".repeat(20);
const messages = [{ role: "user", content: question }];
const headers = (name) => ({ "Helicone-Session-Id": "sdk", "Helicone-Property-Case": name });

const openai = new OpenAI({ baseURL: `${endpoint}/v1`, apiKey: "sk-none", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: endpoint, apiKey: "sk-none", maxRetries: 0 });
const google = new GoogleGenerativeAI("none");

const chat = { model: "gpt-4o-mini", messages };
const claude = { model: "claude-sonnet-4", max_tokens: 100, messages };
const gemini = (name) => google.getGenerativeModel({ model: "gemini-2.5-flash" }, { baseUrl: endpoint, customHeaders: headers(name) });

// The text of a stream of chunks, and the last usage among them.
async function read(stream, text_of, usage_of) {
  let text = "", usage = null, chunks = 0;
  for await (const chunk of stream) {
    text += text_of(chunk) ?? "";
    usage = usage_of(chunk) ?? usage;
    chunks++;
  }
  return { text, usage, chunks };
}
const chat_stream = (stream) => read(stream, (chunk) => chunk.choices[0]?.delta.content, (chunk) => chunk.usage);

const cases = {
  "openai chat": async (options) => {
    const answer = await openai.chat.completions.create(chat, options);
    return { text: answer.choices[0].message.content, usage: answer.usage };
  },
  "openai chat streamed": async (options) => chat_stream(await openai.chat.completions.create({ ...chat, stream: true }, options)),
  "openai chat streamed with usage": async (options) =>
    chat_stream(await openai.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }, options)),
  "openai responses": async (options) => {
    const answer = await openai.responses.create({ model: "gpt-4o-mini", input: question }, options);
    return { text: answer.output_text, usage: answer.usage };
  },
  "openai responses streamed": async (options) =>
    read(await openai.responses.create({ model: "gpt-4o-mini", input: question, stream: true }, options),
      (event) => event.type === "response.output_text.delta" ? event.delta : "", (event) => event.response?.usage),
  "openai embeddings": async (options) => {
    const answer = await openai.embeddings.create({ model: "text-embedding-3-small", input: question, encoding_format: "float" }, options);
    return { numbers: answer.data[0].embedding.length, usage: answer.usage };
  },
  "openai error": async (options) => {
    try {
      await openai.chat.completions.create(chat, { ...options, query: { status: 429 } });
    } catch (error) {
      return { error: error.constructor.name, status: error.status };
    }
  },
  "openai chat left": async (options) => {
    const leave = new AbortController();
    const stream = await openai.chat.completions.create({ ...chat, stream: true }, { ...options, query: { delay_ms: 100 }, signal: leave.signal });
    let chunks = 0;
    for await (const chunk of stream) if (chunk && ++chunks === 3) leave.abort();
    return { chunks };
  },
  "anthropic messages": async (options) => {
    const answer = await anthropic.messages.create(claude, options);
    return { text: answer.content[0].text, usage: answer.usage };
  },
  "anthropic messages streamed": async (options) => {
    const answer = await anthropic.messages.stream(claude, options).finalMessage();
    return { text: answer.content[0].text, usage: answer.usage };
  },
  "gemini": async (_, name) => {
    const { response } = await gemini(name).generateContent(question);
    return { text: response.text(), usage: response.usageMetadata };
  },
  "gemini streamed": async (_, name) => {
    const { stream, response } = await gemini(name).generateContentStream(question);
    const { text, chunks } = await read(stream, (chunk) => chunk.text(), () => null);
    return { text, chunks, usage: (await response).usageMetadata };
  },
};

for (const [name, run] of Object.entries(cases)) {
  console.log(JSON.stringify({ case: name, ...await run({ headers: headers(name) }, name) }));
}
