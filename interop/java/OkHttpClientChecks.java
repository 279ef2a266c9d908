import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;

/** Longwire's server against OkHttp: OkHttpClientChecks ECHO_URL CHOOSY_URL */
final class OkHttpClientChecks extends WebSocketListener implements Checks.Connection {
    private static final OkHttpClient CLIENT = new OkHttpClient();

    private final Checks.Inbox inbox = new Checks.Inbox();
    private final CompletableFuture<Response> handshake = new CompletableFuture<>();
    private WebSocket socket;

    static OkHttpClientChecks open(String url, String... subprotocols) throws Exception {
        Request.Builder request = new Request.Builder().url(url);
        if (subprotocols.length > 0) {
            request.header("Sec-WebSocket-Protocol", String.join(", ", subprotocols));
        }
        return open(request);
    }

    private static OkHttpClientChecks open(Request.Builder request) throws Exception {
        OkHttpClientChecks client = new OkHttpClientChecks();
        client.socket = CLIENT.newWebSocket(request.build(), client);
        client.handshake.get(Checks.TIMEOUT_SECONDS, TimeUnit.SECONDS);
        return client;
    }

    @Override
    public void send(String message) {
        Checks.expect(socket.send(message), "OkHttp did not take the message");
    }

    @Override
    public void send(byte[] message) {
        Checks.expect(socket.send(ByteString.of(message)), "OkHttp did not take the message");
    }

    @Override
    public void close(int code, String reason) {
        socket.close(code, reason);
    }

    @Override
    public String subprotocol() {
        return handshake.join().header("Sec-WebSocket-Protocol");
    }

    @Override
    public Checks.Inbox inbox() {
        return inbox;
    }

    @Override
    public void onOpen(WebSocket socket, Response response) {
        handshake.complete(response);
    }

    @Override
    public void onMessage(WebSocket socket, String text) {
        inbox.put(text);
    }

    @Override
    public void onMessage(WebSocket socket, ByteString bytes) {
        inbox.put(bytes.toByteArray());
    }

    @Override
    public void onClosing(WebSocket socket, int code, String reason) {
        inbox.put(code);
        socket.close(1000, null);
    }

    @Override
    public void onFailure(WebSocket socket, Throwable error, Response response) {
        int status = response == null ? 0 : response.code();
        handshake.completeExceptionally(new Exception("status " + status, error));
        inbox.put(error);
    }

    public static void main(String[] urls) {
        Checks.run(OkHttpClientChecks::open, urls[0], urls[1]);

        String origin = urls[0].replaceFirst("^ws", "http").replaceFirst("/$", "");
        Checks.check("own-origin-accepted", () ->
                open(new Request.Builder().url(urls[0]).header("Origin", origin)).close(1000, ""));
        Checks.check("foreign-origin-refused", () -> {
            try {
                open(new Request.Builder().url(urls[0]).header("Origin", "https://elsewhere.example"));
            } catch (ExecutionException refused) {
                String why = refused.getCause().getMessage();
                Checks.expect(why.equals("status 403"), why);
                return;
            }
            throw new AssertionError("the server let it in");
        });

        Checks.goingAway(OkHttpClientChecks::open, urls[0]);
        Checks.finish();
    }
}
