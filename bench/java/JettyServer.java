import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.WebSocketAdapter;
import org.eclipse.jetty.websocket.server.WebSocketHandler;
import org.eclipse.jetty.websocket.servlet.WebSocketServletFactory;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An echo server on Jetty. Its threads cannot be less than a handful; the core
 * that they run on is one. It sets TCP_NODELAY by itself.
 */
public final class JettyServer {
    /** The longest message: Jetty's own limit is too low for a megabyte. */
    private static final int MESSAGE = 64 << 20;

    public static void main(String[] arguments) throws Exception {
        Task.collectGarbage(arguments);
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(0);
        server.addConnector(connector);
        server.setHandler(new WebSocketHandler() {
            @Override
            public void configure(WebSocketServletFactory factory) {
                factory.getPolicy().setMaxTextMessageSize(MESSAGE);
                factory.getPolicy().setMaxBinaryMessageSize(MESSAGE);
                factory.register(Echo.class);
            }
        });
        server.start();
        Task.announce(connector.getLocalPort());
        server.join();
    }

    public static final class Echo extends WebSocketAdapter {
        @Override
        public void onWebSocketText(String message) {
            try {
                getRemote().sendString(message);
            } catch (IOException gone) {
                close(getSession());
            }
        }

        @Override
        public void onWebSocketBinary(byte[] payload, int offset, int length) {
            try {
                getRemote().sendBytes(ByteBuffer.wrap(payload, offset, length));
            } catch (IOException gone) {
                close(getSession());
            }
        }

        private static void close(Session session) {
            if (session != null) session.close();
        }
    }
}
