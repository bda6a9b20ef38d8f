// The service whose rebuild the benchmark deploys. The lines marked VERSION and ROUTE are the ones that change.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type user struct {
	ID   int64  `json:"id"`
	Name string `json:"name" binding:"required"`
}

func main() {
	port := flag.String("port", "8080", "where to listen")
	flag.Parse()
	gin.SetMode(gin.ReleaseMode)
	routes := gin.New()
	routes.GET("/metrics", gin.WrapH(promhttp.Handler()))
	routes.POST("/users", add)
	routes.GET("/peer", peer)
	// ROUTE
	routes.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "version one") }) // VERSION
	log.Fatal(routes.Run("127.0.0.1:" + *port))
}

func add(c *gin.Context) {
	var given user
	if err := c.ShouldBindJSON(&given); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
		return
	}
	pool, err := pgxpool.New(c, "postgres://localhost/bench")
	if err != nil {
		c.JSON(http.StatusBadGateway, gin.H{"error": err.Error()})
		return
	}
	defer pool.Close()
	_, err = pool.Exec(c, "insert into users(name) values ($1)", given.Name)
	c.JSON(http.StatusOK, gin.H{"stored": err == nil})
}

func peer(c *gin.Context) {
	connection, err := grpc.NewClient(c.Query("to"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.String(http.StatusBadGateway, err.Error())
		return
	}
	defer connection.Close()
	c.String(http.StatusOK, connection.GetState().String())
}
