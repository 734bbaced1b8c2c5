/** The given chunks, one after the other, as a file's segments come. */
export async function* chunked(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
