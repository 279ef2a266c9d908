import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Longwire's server against the JDK's own HttpClient: JdkClient ECHO_URL CHOOSY_URL */
final class JdkClient implements Checks.Connection, WebSocket.Listener {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final Checks.Inbox inbox = new Checks.Inbox();
    private final StringBuilder text = new StringBuilder();
    private final ByteArrayOutputStream binary = new ByteArrayOutputStream();
    private WebSocket socket;

    static JdkClient open(String url, String... subprotocols) throws Exception {
        JdkClient client = new JdkClient();
        WebSocket.Builder builder = CLIENT.newWebSocketBuilder();
        if (subprotocols.length > 0) {
            String[] others = Arrays.copyOfRange(subprotocols, 1, subprotocols.length);
            builder.subprotocols(subprotocols[0], others);
        }
        client.socket = within(builder.buildAsync(URI.create(url), client).toCompletableFuture());
        return client;
    }

    private static <T> T within(CompletableFuture<T> future) throws Exception {
        return future.get(Checks.TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void send(String message) throws Exception {
        within(socket.sendText(message, true));
    }

    @Override
    public void send(byte[] message) throws Exception {
        within(socket.sendBinary(ByteBuffer.wrap(message), true));
    }

    @Override
    public void close(int code, String reason) throws Exception {
        within(socket.sendClose(code, reason));
    }

    @Override
    public String subprotocol() {
        return socket.getSubprotocol();
    }

    @Override
    public Checks.Inbox inbox() {
        return inbox;
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
            inbox.put(text.toString());
            text.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
        byte[] chunk = new byte[data.remaining()];
        data.get(chunk);
        binary.writeBytes(chunk);
        if (last) {
            inbox.put(binary.toByteArray());
            binary.reset();
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
        byte[] payload = new byte[message.remaining()];
        message.get(payload);
        inbox.put(payload);
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        inbox.put(code);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        inbox.put(error);
    }

    public static void main(String[] urls) {
        Checks.run(JdkClient::open, urls[0], urls[1]);

        Checks.check("fragmented", () -> {
            JdkClient client = open(urls[0]);
            within(client.socket.sendText(Checks.UNICODE.substring(0, 2), false));
            within(client.socket.sendText("", false));
            within(client.socket.sendText(Checks.UNICODE.substring(2), true));
            client.inbox.expectEcho(Checks.UNICODE);
            byte[] bytes = Checks.pattern(70_000);
            within(client.socket.sendBinary(ByteBuffer.wrap(bytes, 0, 1), false));
            within(client.socket.sendBinary(ByteBuffer.wrap(bytes, 1, bytes.length - 1), true));
            client.inbox.expectEcho(bytes);
            client.close(1000, "");
        });

        Checks.check("ping", () -> {
            JdkClient client = open(urls[0]);
            byte[] payload = Checks.utf8("are you there?");
            within(client.socket.sendPing(ByteBuffer.wrap(payload)));
            client.inbox.expectEcho(payload);
            client.close(1000, "");
        });

        Checks.check("foreign-origin-refused", () -> {
            try {
                within(CLIENT.newWebSocketBuilder()
                        .header("Origin", "https://elsewhere.example")
                        .buildAsync(URI.create(urls[0]), new JdkClient()));
            } catch (ExecutionException refused) {
                if (refused.getCause() instanceof WebSocketHandshakeException handshake) {
                    int status = handshake.getResponse().statusCode();
                    Checks.expect(status == 403, "status " + status);
                    return;
                }
                throw refused;
            }
            throw new AssertionError("the server let it in");
        });

        Checks.check("own-origin-accepted", () -> {
            String origin = urls[0].replaceFirst("^ws", "http").replaceFirst("/$", "");
            JdkClient client = new JdkClient();
            client.socket = within(CLIENT.newWebSocketBuilder()
                    .header("Origin", origin)
                    .buildAsync(URI.create(urls[0]), client));
            client.close(1000, "");
        });

        Checks.goingAway(JdkClient::open, urls[0]);
        Checks.finish();
    }
}
